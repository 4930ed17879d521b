// Stream-ordered allocation and memory pools.
#include "pool.h"

#include <algorithm>

#include "graph.h"
#include "work.h"

namespace gridstride {

namespace {

Pool& pool_of(CUmemoryPool handle) {
  Pool& p = checked_handle(handle, Handle::POOL, "memory pool");
  return p;
}

void allocate_async(CUdeviceptr* out, size_t bytes, Pool& pool, Stream& stream, const char* made_by) {
  refuse_on_capturing(stream, "stream-ordered allocation: allocate before the capture");
  if (pool.max_bytes != 0 && bytes > pool.max_bytes - std::min(pool.used, pool.max_bytes)) {
    fail(CUDA_ERROR_OUT_OF_MEMORY, "%zu bytes asked for, %zu of the pool's %zu are used", bytes, pool.used,
         pool.max_bytes);
  }
  Allocation& a = allocate(*stream.context, bytes, MemoryKind::DEVICE, made_by);
  a.pool = &pool;
  pool.used += bytes;
  pool.high = std::max(pool.high, pool.used);
  pool.allocations++;
  *out = a.base;
}

}  // namespace

Pool& default_pool(Device& device) {
  if (device.default_pool == nullptr) {
    device.default_pool = new Pool;
    device.default_pool->device = &device;
    device.default_pool->is_default = true;
    handle_made(device.default_pool, Handle::POOL);
  }
  return *device.default_pool;
}

void pool_freed(Pool& pool, size_t bytes) {
  pool.used -= bytes;
  if (--pool.allocations == 0 && pool.destroyed) delete &pool;
}

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuMemPoolCreate(CUmemoryPool* out, const CUmemPoolProps* properties) {
  CALL(OTHER)
  if (properties == nullptr || properties->allocType != 1) {
    fail(CUDA_ERROR_INVALID_VALUE, "allocType must be 1 (pinned)");
  }
  if (properties->location.type != 1) fail(CUDA_ERROR_INVALID_VALUE, "location.type must be 1 (device)");
  auto* pool = new Pool;
  pool->device = &device_at(properties->location.id);
  pool->max_bytes = properties->maxSize;
  handle_made(pool, Handle::POOL);
  *out = pool;
  END_CALL
}

CU_CALL cuMemPoolDestroy(CUmemoryPool handle) {
  CALL(OTHER)
  Pool& pool = pool_of(handle);
  if (pool.is_default) fail(CUDA_ERROR_INVALID_VALUE, "the default pool cannot be destroyed");
  handle_gone(&pool);
  if (pool.allocations == 0) {
    delete &pool;
  } else {
    pool.destroyed = true;  // goes with its last allocation
  }
  END_CALL
}

CU_CALL cuMemPoolTrimTo(CUmemoryPool handle, size_t) {
  CALL(OTHER)
  pool_of(handle);  // freed memory is given back at once
  END_CALL
}

CU_CALL cuMemPoolSetAttribute(CUmemoryPool handle, int which, void* value) {
  CALL(OTHER)
  Pool& pool = pool_of(handle);
  if (which == 4) {
    pool.release_threshold = *static_cast<unsigned long long*>(value);
  } else if (which == 6 || which == 8) {
    pool.high = pool.used;
  } else if (which < 1 || which > 3) {
    fail(CUDA_ERROR_INVALID_VALUE, "pool attribute %d cannot be set", which);
  }
  END_CALL
}

CU_CALL cuMemPoolGetAttribute(CUmemoryPool handle, int which, void* value) {
  CALL(OTHER)
  Pool& pool = pool_of(handle);
  switch (which) {
    case 1:
    case 2:
    case 3: *static_cast<int*>(value) = 1; break;
    case 4: *static_cast<unsigned long long*>(value) = pool.release_threshold; break;
    case 5:
    case 7: *static_cast<unsigned long long*>(value) = pool.used; break;
    case 6:
    case 8: *static_cast<unsigned long long*>(value) = pool.high; break;
    default: fail(CUDA_ERROR_INVALID_VALUE, "there is no pool attribute %d", which);
  }
  END_CALL
}

CU_CALL cuDeviceGetDefaultMemPool(CUmemoryPool* out, CUdevice device) {
  CALL(OTHER)
  *out = &default_pool(device_at(device));
  END_CALL
}

CU_CALL cuDeviceGetMemPool(CUmemoryPool* out, CUdevice device) { return cuDeviceGetDefaultMemPool(out, device); }

CU_CALL cuMemAllocAsync(CUdeviceptr* out, size_t bytes, CUstream handle) {
  CALL(ALLOC)
  Stream& stream = stream_of(handle);
  allocate_async(out, bytes, default_pool(*stream.context->device), stream, "cuMemAllocAsync");
  END_CALL
}

CU_CALL cuMemAllocFromPoolAsync(CUdeviceptr* out, size_t bytes, CUmemoryPool handle, CUstream stream_handle) {
  CALL(ALLOC)
  Stream& stream = stream_of(stream_handle);
  Pool& pool = pool_of(handle);
  if (pool.device != stream.context->device) {
    fail(CUDA_ERROR_INVALID_VALUE, "the pool is on device %d, the stream on device %d", pool.device->ordinal,
         stream.context->device->ordinal);
  }
  allocate_async(out, bytes, pool, stream, "cuMemAllocFromPoolAsync");
  END_CALL
}

CU_CALL cuMemFreeAsync(CUdeviceptr p, CUstream handle) {
  CALL(OTHER)
  Stream& stream = stream_of(handle);
  if (p == 0) return CUDA_SUCCESS;
  refuse_on_capturing(stream, "cuMemFreeAsync of memory from outside the graph");
  Allocation* a = live_allocation(p);
  if (a == nullptr || a->base != p || a->kind != MemoryKind::DEVICE) {
    const Allocation* freed = find_freed(reinterpret_cast<void*>(p));
    fail(CUDA_ERROR_INVALID_VALUE, "%s: %s",
         freed != nullptr && freed->base == p ? "double free" : "not the beginning of an allocation",
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (a->freed_by[0] != '\0') {
    fail(CUDA_ERROR_INVALID_VALUE, "double free: %s, and %s is under way already",
         describe_address(reinterpret_cast<void*>(p)).c_str(), a->freed_by);
  }
  Work* work = new_work();
  work->task.kind = TaskKind::FREE;
  work->task.freed = p;
  submit(stream, work);
  a->freed_by = "cuMemFreeAsync";
  END_CALL
}
