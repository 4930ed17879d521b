// Launches, functions' attributes, occupancy, host functions.
#include "launch.h"

#include <algorithm>
#include <cstring>

#include "event.h"
#include "graph.h"
#include "work.h"

namespace gridstride {

namespace {

constexpr unsigned MAX_THREADS = 1024, MAX_BLOCK[3] = {1024, 1024, 64};
constexpr unsigned MAX_GRID[3] = {2147483647, 65535, 65535};

void check_extents(const Function& f, const unsigned (&grid)[3], const unsigned (&block)[3], size_t shared) {
  unsigned long long threads = 1;
  for (int i = 0; i < 3; i++) {
    if (grid[i] == 0 || block[i] == 0) {
      fail(CUDA_ERROR_INVALID_VALUE, "%s: grid (%u, %u, %u) of blocks (%u, %u, %u): no extent may be 0",
           f.where().c_str(), grid[0], grid[1], grid[2], block[0], block[1], block[2]);
    }
    if (grid[i] > MAX_GRID[i]) {
      fail(CUDA_ERROR_INVALID_VALUE, "%s: grid.%c is %u, at most %u", f.where().c_str(), "xyz"[i], grid[i],
           MAX_GRID[i]);
    }
    if (block[i] > MAX_BLOCK[i]) {
      fail(CUDA_ERROR_INVALID_VALUE, "%s: block.%c is %u, at most %u", f.where().c_str(), "xyz"[i], block[i],
           MAX_BLOCK[i]);
    }
    threads *= block[i];
  }
  if (threads > MAX_THREADS) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s: %llu threads a block (%u, %u, %u), at most %u", f.where().c_str(), threads,
         block[0], block[1], block[2], MAX_THREADS);
  }
  if (threads > static_cast<unsigned>(f.kernel->max_threads)) {
    fail(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "%s: %llu threads a block, but __launch_bounds__ promises at most %d",
         f.where().c_str(), threads, f.kernel->max_threads);
  }
  if (shared > f.max_dynamic_shared) {
    fail(CUDA_ERROR_INVALID_VALUE,
         "%s: %zu bytes of dynamic shared memory, at most %zu (beside %zu static ones); more must be asked for with "
         "MAX_DYNAMIC_SHARED_SIZE_BYTES",
         f.where().c_str(), shared, f.max_dynamic_shared, f.static_shared);
  }
}

// A pointer must be null or point into, or just past, live memory of this device.
void check_pointer(const Function& f, int i, uintptr_t p, const Context& context) {
  if (p == 0) return;
  Allocation* a = live_allocation(p);
  if (a == nullptr) {
    a = live_allocation(p - 1);  // one past the end, as an empty tail is
  }
  if (a == nullptr) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s: parameter %d is no live pointer: %s", f.where().c_str(), i,
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (a->freed_by[0] != '\0') {
    fail(CUDA_ERROR_INVALID_VALUE, "%s: parameter %d is used after its %s: %s", f.where().c_str(), i, a->freed_by,
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (a->device != context.device->ordinal && a->kind == MemoryKind::DEVICE) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s: parameter %d is memory of device %d, the launch is on device %d: %s",
         f.where().c_str(), i, a->device, context.device->ordinal,
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
}

int blocks_per_multiprocessor(const Function& f, int threads, size_t dynamic_shared) {
  const Limits& l = limits();
  if (threads <= 0 || threads > f.kernel->max_threads) return 0;
  int warps = (threads + 31) / 32;
  int by_threads = l.threads_per_multiprocessor / (warps * 32);
  size_t reserved = l.major >= 8 ? 1024 : 0;
  size_t shared = f.static_shared + dynamic_shared + reserved;
  int by_shared = shared == 0 ? l.blocks_per_multiprocessor
                              : static_cast<int>(static_cast<size_t>(l.shared_per_multiprocessor) / shared);
  return std::min({by_threads, by_shared, l.blocks_per_multiprocessor});
}

}  // namespace

void check_pointers(const KernelTask& k, const Context& context) {
  const Function& f = *k.function;
  for (int i = 0; i < f.kernel->parameters; i++) {
    if (f.kernel->kind[i] != 'p') continue;
    uintptr_t p;
    std::memcpy(&p, k.arguments.data() + f.offset[static_cast<size_t>(i)], sizeof p);
    check_pointer(f, i, p, context);
  }
}

void kernel_task(KernelTask& k, Function& f, const unsigned (&grid)[3], const unsigned (&block)[3], unsigned shared,
                 void** parameters, void** extra, const Context& context) {
  if (f.module->context != &context) {
    fail(CUDA_ERROR_INVALID_HANDLE, "%s belongs to another context", f.where().c_str());
  }
  check_extents(f, grid, block, shared);
  const GridstrideKernel& kernel = *f.kernel;
  k.arguments.resize(f.packed);
  if (extra != nullptr) {
    if (parameters != nullptr) {
      fail(CUDA_ERROR_INVALID_VALUE, "%s: both kernelParams and extra are given", f.where().c_str());
    }
    const unsigned char* buffer = nullptr;
    const size_t* bytes = nullptr;
    for (void** e = extra; *e != nullptr; e += 2) {
      if (*e == reinterpret_cast<void*>(1)) {
        buffer = static_cast<const unsigned char*>(e[1]);
      } else if (*e == reinterpret_cast<void*>(2)) {
        bytes = static_cast<const size_t*>(e[1]);
      } else {
        fail(CUDA_ERROR_INVALID_VALUE, "%s: unknown entry %p in extra", f.where().c_str(), *e);
      }
    }
    if (bytes == nullptr || (buffer == nullptr && f.packed > 0)) {
      fail(CUDA_ERROR_INVALID_VALUE, "%s: extra lacks the buffer or its size", f.where().c_str());
    }
    if (*bytes != f.packed && *bytes != f.packed_padded) {
      std::string sizes;
      for (int i = 0; i < kernel.parameters; i++) sizes += text("%s%u", i == 0 ? "" : ", ", kernel.size[i]);
      fail(CUDA_ERROR_INVALID_VALUE, "%s: %zu bytes of parameters given, %u expected (%d parameters of %s bytes)",
           f.where().c_str(), *bytes, f.packed, kernel.parameters, sizes.c_str());
    }
    std::memcpy(k.arguments.data(), buffer, f.packed);
  } else if (kernel.parameters > 0) {
    if (parameters == nullptr) {
      fail(CUDA_ERROR_INVALID_VALUE, "%s: takes %d parameters, none given", f.where().c_str(), kernel.parameters);
    }
    for (int i = 0; i < kernel.parameters; i++) {
      if (parameters[i] == nullptr) {
        fail(CUDA_ERROR_INVALID_VALUE, "%s: the place of parameter %d is null", f.where().c_str(), i);
      }
      std::memcpy(k.arguments.data() + f.offset[static_cast<size_t>(i)], parameters[i], kernel.size[i]);
    }
  }
  k.function = &f;
  check_pointers(k, context);
  for (int i = 0; i < 3; i++) {
    k.grid[i] = grid[i];
    k.block[i] = block[i];
  }
  k.shared = shared;
}

namespace {

void launch(CUfunction handle, const unsigned (&grid)[3], const unsigned (&block)[3], unsigned shared,
            CUstream stream_handle, void** parameters, void** extra) {
  Stream& stream = stream_of(stream_handle);
  Function& f = checked_handle(handle, Handle::FUNCTION, "kernel");
  Work* work = new_work();
  try {
    kernel_task(work->task.kernel, f, grid, block, shared, parameters, extra, *stream.context);
  } catch (...) {
    drop(work);
    throw;
  }
  work->task.kind = TaskKind::KERNEL;
  submit(stream, work);
}

}  // namespace

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                       unsigned shared, CUstream stream, void** parameters, void** extra) {
  CALL(LAUNCH)
  launch(f, {gx, gy, gz}, {bx, by, bz}, shared, stream, parameters, extra);
  END_CALL
}

CU_CALL cuLaunchCooperativeKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                  unsigned bz, unsigned shared, CUstream stream, void** parameters) {
  CALL(LAUNCH)
  (void)f, (void)gx, (void)gy, (void)gz, (void)bx, (void)by, (void)bz, (void)shared, (void)stream, (void)parameters;
  fail(CUDA_ERROR_NOT_SUPPORTED, "blocks run one after the other here: a barrier of the whole grid would never end");
  END_CALL
}

CU_CALL cuLaunchHostFunc(CUstream handle, CUhostFn function, void* data) {
  CALL(OTHER)
  Stream& stream = stream_of(handle);
  if (function == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "the function is null");
  Work* work = new_work();
  work->task.kind = TaskKind::HOST;
  work->task.host = {function, data, nullptr, nullptr};
  submit(stream, work);
  END_CALL
}

CU_CALL cuStreamAddCallback(CUstream handle, CUstreamCallback callback, void* data, unsigned flags) {
  CALL(OTHER)
  Stream& stream = stream_of(handle);
  if (callback == nullptr || flags != 0) fail(CUDA_ERROR_INVALID_VALUE, "the callback is null, or flags are not 0");
  refuse_on_capturing(stream, "cuStreamAddCallback");
  Work* work = new_work();
  work->task.kind = TaskKind::HOST;
  work->task.host = {nullptr, data, callback, handle};
  submit(stream, work);
  END_CALL
}

CU_CALL cuFuncGetAttribute(int* out, int which, CUfunction handle) {
  CALL(OTHER)
  current();
  const Function& f = checked_handle(handle, Handle::FUNCTION, "kernel");
  switch (which) {
    case 0: *out = f.kernel->max_threads; break;
    case 1: *out = static_cast<int>(f.static_shared); break;
    case 2:
    case 3:
    case 4:
    case 7: *out = 0; break;  // constant and local bytes, registers: only a compiler for cards knows
    case 5:
    case 6: *out = limits().major * 10 + limits().minor; break;
    case 8: *out = static_cast<int>(f.max_dynamic_shared); break;
    case 9: *out = -1; break;
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15: *out = 0; break;
    default: fail(CUDA_ERROR_INVALID_VALUE, "there is no function attribute %d", which);
  }
  END_CALL
}

CU_CALL cuFuncSetAttribute(CUfunction handle, int which, int value) {
  CALL(OTHER)
  current();
  Function& f = checked_handle(handle, Handle::FUNCTION, "kernel");
  if (which == 8) {
    size_t most = static_cast<size_t>(limits().shared_per_block_optin) -
                  std::min(f.static_shared, static_cast<size_t>(limits().shared_per_block_optin));
    if (value < 0 || static_cast<size_t>(value) > most) {
      fail(CUDA_ERROR_INVALID_VALUE,
           "%s: %d bytes of dynamic shared memory asked for, at most %zu (%d a block on sm_%d%d, %zu of them static)",
           f.where().c_str(), value, most, limits().shared_per_block_optin, limits().major, limits().minor,
           f.static_shared);
    }
    f.max_dynamic_shared = static_cast<size_t>(value);
  } else if (which != 9) {
    fail(CUDA_ERROR_INVALID_VALUE, "function attribute %d cannot be set", which);
  }
  END_CALL
}

CU_CALL cuFuncSetCacheConfig(CUfunction handle, int) {
  CALL(OTHER)
  current();
  checked_handle(handle, Handle::FUNCTION, "kernel");
  END_CALL
}

CU_CALL cuFuncSetSharedMemConfig(CUfunction handle, int) {
  CALL(OTHER)
  current();
  checked_handle(handle, Handle::FUNCTION, "kernel");
  END_CALL
}

CU_CALL cuFuncGetModule(CUmodule* out, CUfunction handle) {
  CALL(OTHER)
  current();
  *out = checked_handle(handle, Handle::FUNCTION, "kernel").module;
  END_CALL
}

CU_CALL cuFuncGetParamInfo(CUfunction handle, size_t index, size_t* offset, size_t* bytes) {
  CALL(OTHER)
  current();
  const Function& f = checked_handle(handle, Handle::FUNCTION, "kernel");
  if (index >= f.offset.size()) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s: no parameter %zu, it has %zu", f.where().c_str(), index, f.offset.size());
  }
  *offset = f.offset[index];
  if (bytes != nullptr) *bytes = f.kernel->size[index];
  END_CALL
}

// "pif": one letter a parameter (pointer, integer, floating point, structure); null for no kernel. Not CUDA's.
extern "C" __attribute__((visibility("default"))) const char* gridstride_sim_parameter_kinds(CUfunction handle) {
  std::lock_guard<std::mutex> hold(driver_lock);
  return handle_kind(handle) == Handle::FUNCTION ? handle->kernel->kind : nullptr;
}

CU_CALL cuOccupancyMaxActiveBlocksPerMultiprocessor(int* out, CUfunction handle, int threads, size_t shared) {
  CALL(OTHER)
  current();
  *out = blocks_per_multiprocessor(checked_handle(handle, Handle::FUNCTION, "kernel"), threads, shared);
  END_CALL
}

CU_CALL cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* out, CUfunction handle, int threads, size_t shared,
                                                             unsigned) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessor(out, handle, threads, shared);
}

CU_CALL cuOccupancyMaxPotentialBlockSize(int* grid, int* block, CUfunction handle, size_t (*shared_of)(int),
                                         size_t shared, int limit) {
  CALL(OTHER)
  current();
  const Function& f = checked_handle(handle, Handle::FUNCTION, "kernel");
  int most = limit == 0 ? f.kernel->max_threads : std::min(limit, f.kernel->max_threads), best = 0, best_threads = 0;
  for (int threads = most / 32 * 32; threads >= 32; threads -= 32) {
    int active = threads * blocks_per_multiprocessor(f, threads, shared_of == nullptr ? shared : shared_of(threads));
    if (active > best) {
      best = active;
      best_threads = threads;
    }
  }
  *block = best_threads;
  *grid = best_threads == 0 ? 0 : best / best_threads * limits().multiprocessors;
  END_CALL
}

CU_CALL cuOccupancyMaxPotentialBlockSizeWithFlags(int* grid, int* block, CUfunction f, size_t (*shared_of)(int),
                                                  size_t shared, int limit, unsigned) {
  return cuOccupancyMaxPotentialBlockSize(grid, block, f, shared_of, shared, limit);
}

CU_CALL cuOccupancyAvailableDynamicSMemPerBlock(size_t* out, CUfunction handle, int blocks, int threads) {
  CALL(OTHER)
  current();
  const Function& f = checked_handle(handle, Handle::FUNCTION, "kernel");
  if (blocks <= 0 || threads <= 0) fail(CUDA_ERROR_INVALID_VALUE, "blocks and threads must be positive");
  size_t each = static_cast<size_t>(limits().shared_per_multiprocessor / blocks),
         reserved = limits().major >= 8 ? 1024 : 0;
  size_t taken = reserved + f.static_shared;
  *out = std::min(each > taken ? each - taken : 0, f.max_dynamic_shared);
  END_CALL
}
