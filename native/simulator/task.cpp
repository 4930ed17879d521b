// Runs one piece of work.
#include <cstring>

#include "event.h"
#include "executor.h"
#include "graph.h"
#include "module.h"
#include "order.h"
#include "work.h"

namespace gridstride {

namespace {

long launches = 0;

unsigned char* bytes_at(uintptr_t p) { return reinterpret_cast<unsigned char*>(p); }

// The allocation must still be there when the work runs.
const Allocation& must_live(uintptr_t p, const Task& task) {
  const Allocation* a = find_allocation(reinterpret_cast<void*>(p));
  if (a == nullptr) {
    fail(CUDA_ERROR_ILLEGAL_ADDRESS, "%s: %s when it ran", task.describe().c_str(),
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  return *a;
}

void run_copy(Work& work) {
  CopyTask& c = work.task.copy;
  uintptr_t start = c.staged.empty() ? c.from.base : reinterpret_cast<uintptr_t>(c.staged.data());
  const Allocation* to = c.to.host ? nullptr : &must_live(c.to.base, work.task);
  const Allocation* from = c.from.host ? nullptr : &must_live(c.from.base, work.task);
  for (size_t z = 0; z < c.depth; z++) {
    for (size_t y = 0; y < c.height; y++) {
      uintptr_t d = c.to.base + z * c.to.slice + y * c.to.pitch, s = start + z * c.from.slice + y * c.from.pitch;
      std::memmove(bytes_at(d), bytes_at(s), c.width);
      if (!settings.checked) continue;
      uintptr_t unset = from == nullptr ? 0 : first_unwritten(*from, s, c.width);
      if (unset != 0 && to == nullptr) {
        fail(CUDA_ERROR_LAUNCH_FAILED, "%s reads memory that nothing has written: %s", work.task.describe().c_str(),
             describe_address(bytes_at(unset)).c_str());
      }
      if (from != nullptr) order_access(work, s, c.width, false);
      if (to == nullptr) continue;
      order_access(work, d, c.width, true);
      if (unset == 0) {
        mark_written(*to, d, c.width);
      } else {  // what is unset stays so
        for (size_t i = 0; i < c.width; i++) {
          if (first_unwritten(*from, s + i, 1) == 0) mark_written(*to, d + i, 1);
        }
      }
    }
  }
}

void run_fill(Work& work) {
  const FillTask& f = work.task.fill;
  const Allocation& a = must_live(f.to, work.task);
  for (size_t y = 0; y < f.height; y++) {
    uintptr_t row = f.to + y * f.pitch;
    unsigned char v[4];
    std::memcpy(v, &f.value, 4);
    if (f.element == 1 || f.value == 0) {
      std::memset(bytes_at(row), v[0], f.width * f.element);
    } else {
      for (size_t i = 0; i < f.width; i++) std::memcpy(bytes_at(row + i * f.element), v, f.element);
    }
    if (settings.checked) {
      mark_written(a, row, f.width * f.element);
      order_access(work, row, f.width * f.element, true);
    }
  }
}

void run_kernel(Work& work) {
  if (settings.empty_launches) return;
  KernelTask& k = work.task.kernel;
  const Function& f = *k.function;
  constexpr int FEW = 64;
  void* few[FEW];
  std::vector<void*> many;
  void** arguments = few;
  if (f.kernel->parameters > FEW) {
    many.resize(static_cast<size_t>(f.kernel->parameters));
    arguments = many.data();
  }
  for (int i = 0; i < f.kernel->parameters; i++) arguments[i] = k.arguments.data() + f.offset[static_cast<size_t>(i)];
  Launch launch;
  launch.kernel = f.kernel;
  launch.image = f.module->handle;
  launch.grid = {k.grid[0], k.grid[1], k.grid[2]};
  launch.block = {k.block[0], k.block[1], k.block[2]};
  launch.dynamic_shared = k.shared;
  launch.arguments = arguments;
  launch.seed = settings.seed == 0 ? 0 : 1 + random_below(UINT64_MAX);
  launch.checked = f.module->checked;
  launch.accesses = f.module->checked ? order_accesses(work) : nullptr;
  launches++;
  Outcome outcome = execute(launch);
  if (outcome.code != 0) throw Failure{outcome.code, outcome.message};
  if (!f.module->checked && settings.checked) {
    // An image without instrumentation: take what its pointers may reach as written.
    if (std::strchr(f.kernel->kind, 's') != nullptr) mark_all_written();
    for (int i = 0; i < f.kernel->parameters; i++) {
      if (f.kernel->kind[i] != 'p') continue;
      const void* p;
      std::memcpy(&p, arguments[i], sizeof p);
      const Allocation* a = find_allocation(p);
      if (a != nullptr) mark_written(*a, a->base, a->bytes);
    }
  }
}

void run_host(const HostTask& host) {
  in_host_function = true;
  if (host.callback != nullptr) {
    host.callback(host.stream, CUDA_SUCCESS, host.data);
  } else {
    host.function(host.data);
  }
  in_host_function = false;
}

}  // namespace

long launches_run() { return launches; }

std::string Task::describe() const {
  switch (kind) {
    case TaskKind::KERNEL: return kernel.function->where();
    case TaskKind::LIBRARY: return describe_library(*library);
    case TaskKind::COPY:
      return text("copy of %zu bytes from %s to %s", copy.width * copy.height * copy.depth,
                  copy.from.host ? "host memory" : describe_address(bytes_at(copy.from.base)).c_str(),
                  copy.to.host ? "host memory" : describe_address(bytes_at(copy.to.base)).c_str());
    case TaskKind::FILL:
      return text("memset of %zu bytes at %s", fill.width * fill.element * fill.height,
                  describe_address(bytes_at(fill.to)).c_str());
    case TaskKind::HOST: return "host function";
    case TaskKind::RECORD: return "event record";
    case TaskKind::WAIT: return "event wait";
    case TaskKind::FREE: return "stream-ordered free";
    case TaskKind::CHILD: return "child graph";
    default: return "empty node";
  }
}

void run_task(Work& work) {
  switch (work.task.kind) {
    case TaskKind::KERNEL: run_kernel(work); break;
    case TaskKind::LIBRARY:
      if (settings.empty_launches) break;
      launches++;
      run_library(work);
      break;
    case TaskKind::COPY: run_copy(work); break;
    case TaskKind::FILL: run_fill(work); break;
    case TaskKind::HOST: run_host(work.task.host); break;
    case TaskKind::FREE:
      if (Allocation* a = live_allocation(work.task.freed)) {
        if (settings.checked) order_access(work, a->base, a->bytes, true);
        release(*a, "cuMemFreeAsync");
      }
      break;
    default: break;
  }
  order_ran(work);
}

}  // namespace gridstride
