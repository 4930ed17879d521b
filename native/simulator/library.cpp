// Work and calls of the libraries on the simulated device.
#include "library.h"

#include <cstring>
#include <map>

#include "graph.h"
#include "order.h"
#include "state.h"
#include "work.h"

namespace gridstride {

using library::Access;
using library::Job;
using library::Range;

namespace {

auto& counts = *new std::map<std::string, long>;

// A step of a library's call: in the driver's lock, with the reason of a failure in `why`.
template <class Body>
int step(const char* name, std::string* why, Body&& body) {
  if (in_host_function) {
    *why = "called by a host function of a stream, which may not call CUDA";
    return CUDA_ERROR_NOT_PERMITTED;
  }
  std::lock_guard<std::mutex> hold(driver_lock);
  const CallSite* outer = current_call;
  current_call = &site_of(name, Kind::LIBRARY);
  int code = CUDA_SUCCESS;
  try {
    body();
  } catch (const Failure& failure) {
    code = failure.code;
    *why = failure.message;
  } catch (const std::bad_alloc&) {
    code = CUDA_ERROR_OUT_OF_MEMORY;
    *why = "this machine has no more memory";
  }
  current_call = outer;
  return code;
}

template <class Body>
void each_row(const Range& range, Body&& body) {
  for (size_t z = 0; z < range.depth; z++) {
    for (size_t y = 0; y < range.height; y++) body(range.at + z * range.slice + y * range.pitch);
  }
}

// The allocation must still be there when the work runs.
const Allocation& must_live(const Range& range, const Work& work) {
  const Allocation* a = live_allocation(range.at);
  if (a == nullptr || range.reach() > a->end() - range.at) {
    fail(CUDA_ERROR_ILLEGAL_ADDRESS, "%s: %s was gone when it ran: %s", work.task.describe().c_str(), range.role,
         describe_address(reinterpret_cast<void*>(range.at)).c_str());
  }
  return *a;
}

void check_range(const Range& range, const Context& context) {
  if (!range.empty()) check_device_range(range.at, range.reach(), range.role, context);
}

}  // namespace

void check_library(const Job& job, const Context& context) {
  for (const Range& range : job.ranges) check_range(range, context);
}

std::string describe_library(const Job& job) {
  return job.description.empty() ? job.call : std::string(job.call) + " (" + job.description + ")";
}

void run_library(Work& work) {
  const Job& job = *work.task.library;
  for (const Range& range : job.ranges) {
    if (range.empty()) continue;
    const Allocation& a = must_live(range, work);
    each_row(range, [&](uintptr_t row) {
      uintptr_t unset = settings.checked && range.reads() ? first_unwritten(a, row, range.width) : 0;
      if (unset != 0) {
        fail(CUDA_ERROR_LAUNCH_FAILED, "%s reads memory that nothing has written, in %s: %s",
             work.task.describe().c_str(), range.role, describe_address(reinterpret_cast<void*>(unset)).c_str());
      }
      if (range.reads()) order_access(work, row, range.width, false);
      if (range.writes()) order_access(work, row, range.width, true);
    });
  }
  job.run();
  for (const Range& range : job.ranges) {
    if (range.empty() || !range.writes()) continue;
    const Allocation& a = must_live(range, work);
    each_row(range, [&](uintptr_t row) {
      if (range.access == Access::SCRATCH) {
        std::memset(reinterpret_cast<void*>(row), 0xFF, range.width);
        mark_unwritten(a, row, range.width);
      } else {
        mark_written(a, row, range.width);
      }
    });
  }
}

long library_count(const std::string& what) {
  auto at = counts.find(what);
  return at == counts.end() ? -1 : at->second;
}

}  // namespace gridstride

using namespace gridstride;

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int gridstride_library_begin(const char* name, int* demanded, std::string* why) {
  *demanded = 0;
  return step(name, why, [&] {
    CallSite& site = site_of(name, Kind::LIBRARY);
    site.count++;
    if (tracing) trace(site);
    if (!faults_armed) return;
    bool by_name = false;
    int due = due_fault(site, &by_name);
    if (due == CUDA_SUCCESS) return;
    if (!by_name) fail_on_demand(site, due);
    *demanded = due;
    *why = "fault asked for by gridstride_sim_fault";
  });
}

EXPORTED void gridstride_library_failed(const char* name, const char* status_name, int status, const char* message) {
  std::lock_guard<std::mutex> hold(driver_lock);
  failed(text("%s: %s (%d): %s", name, status_name, status, message));
}

EXPORTED int gridstride_library_context(const char* name, uint64_t* number, std::string* why) {
  return step(name, why, [&] { *number = current().id; });
}

EXPORTED int gridstride_library_capability() {
  std::lock_guard<std::mutex> hold(driver_lock);
  return 10 * limits().major + limits().minor;
}

EXPORTED int gridstride_library_stream(const char* name, CUstream handle, uint64_t context, std::string* why) {
  return step(name, why, [&] {
    Stream& stream = stream_of(handle);
    if (stream.context->id != context) {
      fail(CUDA_ERROR_INVALID_HANDLE, "%s belongs to context #%llu, not to #%llu", stream.name().c_str(),
           static_cast<unsigned long long>(stream.context->id), static_cast<unsigned long long>(context));
    }
  });
}

EXPORTED int gridstride_library_range(const char* name, const Range& range, std::string* why) {
  return step(name, why, [&] { check_range(range, current()); });
}

EXPORTED bool gridstride_library_on_device(const void* p) {
  std::lock_guard<std::mutex> hold(driver_lock);
  const Allocation* a = find_allocation(p);
  return a != nullptr && a->kind == MemoryKind::DEVICE;
}

EXPORTED int gridstride_library_allocate(const char* name, size_t bytes, void** out, std::string* why) {
  return step(name, why, [&] {
    Context& context = current();
    refuse_while_capturing(context, name, false);
    *out = reinterpret_cast<void*>(allocate(context, bytes, MemoryKind::DEVICE, name).base);
  });
}

EXPORTED int gridstride_library_free(const char* name, void* p, uint64_t context, std::string* why) {
  return step(name, why, [&] {
    Allocation* a = live_allocation(reinterpret_cast<uintptr_t>(p));
    if (a == nullptr || a->context->id != context) return;
    refuse_while_capturing(*a->context, name, false);
    run_all(a->context);
    release(*a, name);
  });
}

EXPORTED int gridstride_library_enqueue(CUstream handle, Job&& job, std::string* why) {
  return step(job.call, why, [&] {
    Stream& stream = stream_of(handle);
    check_library(job, *stream.context);
    Work* work = new_work();
    work->task.kind = TaskKind::LIBRARY;
    work->task.library = std::make_shared<const Job>(std::move(job));
    submit(stream, work);
  });
}

EXPORTED void gridstride_library_count(const char* what, long change) {
  std::lock_guard<std::mutex> hold(driver_lock);
  counts[what] += change;
}
