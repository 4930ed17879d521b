// Calls on memory: allocation, pinned and registered host memory, attributes of pointers.
#include <algorithm>

#include "graph.h"
#include "state.h"
#include "work.h"

using namespace gridstride;

namespace {

// The allocation that begins at p, for calls that free.
Allocation& to_free(uintptr_t p) {
  Allocation* a = live_allocation(p);
  if (a == nullptr) {
    const Allocation* freed = find_freed(reinterpret_cast<void*>(p));
    if (freed != nullptr && freed->base == p) {
      fail(CUDA_ERROR_INVALID_VALUE, "double free of allocation #%llu (%zu bytes, %s) at 0x%llx: already freed by %s",
           static_cast<unsigned long long>(freed->id), freed->bytes, freed->made_by, static_cast<unsigned long long>(p),
           freed->freed_by);
    }
    fail(CUDA_ERROR_INVALID_VALUE, "nothing to free at %s", describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (a->base != p) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is not the beginning of an allocation",
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  return *a;
}

void free_device(CUdeviceptr p, const char* freed_by) {
  if (p == 0) return;
  Context& context = current();
  refuse_while_capturing(context, freed_by, false);
  Allocation& a = to_free(p);
  if (a.kind != MemoryKind::DEVICE && a.kind != MemoryKind::MANAGED) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is not device memory",
         describe_address(reinterpret_cast<void*>(a.base)).c_str());
  }
  if (a.freed_by[0] != '\0') {
    fail(CUDA_ERROR_INVALID_VALUE, "double free of allocation #%llu (%zu bytes, %s): %s is under way in a stream",
         static_cast<unsigned long long>(a.id), a.bytes, a.made_by, a.freed_by);
  }
  synchronize_context(*a.context);  // as on a card, freeing waits for the device
  context.check();
  release(a, freed_by);
}

}  // namespace

CU_CALL cuMemAlloc_v2(CUdeviceptr* out, size_t bytes) {
  CALL(ALLOC)
  Context& context = current();
  refuse_while_capturing(context, "cuMemAlloc", false);
  *out = allocate(context, bytes, MemoryKind::DEVICE, "cuMemAlloc_v2").base;
  END_CALL
}

CU_CALL cuMemAllocPitch_v2(CUdeviceptr* out, size_t* pitch, size_t width, size_t height, unsigned element) {
  CALL(ALLOC)
  Context& context = current();
  refuse_while_capturing(context, "cuMemAllocPitch", false);
  if (element != 4 && element != 8 && element != 16) {
    fail(CUDA_ERROR_INVALID_VALUE, "element size must be 4, 8 or 16, not %u", element);
  }
  *pitch = (width + 511) / 512 * 512;
  size_t bytes = 0;
  if (__builtin_mul_overflow(*pitch, height, &bytes)) {
    fail(CUDA_ERROR_INVALID_VALUE, "%zu rows of %zu bytes are too many", height, *pitch);
  }
  *out = allocate(context, bytes, MemoryKind::DEVICE, "cuMemAllocPitch_v2").base;
  END_CALL
}

CU_CALL cuMemAllocManaged(CUdeviceptr* out, size_t bytes, unsigned flags) {
  CALL(ALLOC)
  Context& context = current();
  if (flags != 1 && flags != 2) fail(CUDA_ERROR_INVALID_VALUE, "flags must be 1 (global) or 2 (host), not %u", flags);
  *out = allocate(context, bytes, MemoryKind::MANAGED, "cuMemAllocManaged").base;
  END_CALL
}

CU_CALL cuMemFree_v2(CUdeviceptr p) {
  CALL(OTHER)
  free_device(p, "cuMemFree_v2");
  END_CALL
}

CU_CALL cuMemGetInfo_v2(size_t* free, size_t* total) {
  CALL(OTHER)
  Context& context = current();
  if (total != nullptr) *total = settings.memory;
  if (free != nullptr) *free = settings.memory - std::min(context.device->used, settings.memory);
  END_CALL
}

CU_CALL cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* bytes, CUdeviceptr p) {
  CALL(OTHER)
  current();
  Allocation* a = live_allocation(p);
  if (a == nullptr) fail(CUDA_ERROR_NOT_FOUND, "%s", describe_address(reinterpret_cast<void*>(p)).c_str());
  if (base != nullptr) *base = a->base;
  if (bytes != nullptr) *bytes = a->bytes;
  END_CALL
}

CU_CALL cuMemHostAlloc(void** out, size_t bytes, unsigned flags) {
  CALL(ALLOC)
  Context& context = current();
  if (flags > 7) fail(CUDA_ERROR_INVALID_VALUE, "unknown flags %u", flags);
  Allocation& a = allocate(context, bytes, MemoryKind::PINNED, "cuMemHostAlloc");
  a.flags = flags;
  *out = reinterpret_cast<void*>(a.base);
  END_CALL
}

CU_CALL cuMemAllocHost_v2(void** out, size_t bytes) {
  CALL(ALLOC)
  *out = reinterpret_cast<void*>(allocate(current(), bytes, MemoryKind::PINNED, "cuMemAllocHost_v2").base);
  END_CALL
}

CU_CALL cuMemFreeHost(void* p) {
  CALL(OTHER)
  current();
  if (p == nullptr) return CUDA_SUCCESS;
  Allocation& a = to_free(reinterpret_cast<uintptr_t>(p));
  if (a.kind != MemoryKind::PINNED) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s was not allocated as pinned host memory", describe_address(p).c_str());
  }
  synchronize_context(*a.context);
  release(a, "cuMemFreeHost");
  END_CALL
}

CU_CALL cuMemHostRegister_v2(void* p, size_t bytes, unsigned flags) {
  CALL(OTHER)
  Context& context = current();
  if (p == nullptr || bytes == 0) fail(CUDA_ERROR_INVALID_VALUE, "nothing to register");
  if (live_allocation(reinterpret_cast<uintptr_t>(p)) != nullptr) {
    fail(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, "%s", describe_address(p).c_str());
  }
  adopt(context, p, bytes, MemoryKind::REGISTERED, "cuMemHostRegister_v2");
  live_allocation(reinterpret_cast<uintptr_t>(p))->flags = flags;
  END_CALL
}

CU_CALL cuMemHostUnregister(void* p) {
  CALL(OTHER)
  current();
  Allocation* a = live_allocation(reinterpret_cast<uintptr_t>(p));
  if (a == nullptr || a->kind != MemoryKind::REGISTERED) {
    fail(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, "%s", describe_address(p).c_str());
  }
  run_all(a->context);
  disown(reinterpret_cast<void*>(a->base));
  END_CALL
}

CU_CALL cuMemHostGetDevicePointer_v2(CUdeviceptr* out, void* p, unsigned flags) {
  CALL(OTHER)
  current();
  const Allocation* a = find_allocation(p);
  if (flags != 0) fail(CUDA_ERROR_INVALID_VALUE, "flags must be 0, not %u", flags);
  if (a == nullptr || (a->kind != MemoryKind::PINNED && a->kind != MemoryKind::REGISTERED)) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is not pinned host memory", describe_address(p).c_str());
  }
  *out = reinterpret_cast<uintptr_t>(p);
  END_CALL
}

CU_CALL cuMemHostGetFlags(unsigned* out, void* p) {
  CALL(OTHER)
  current();
  const Allocation* a = find_allocation(p);
  if (a == nullptr || a->kind != MemoryKind::PINNED) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is not pinned host memory", describe_address(p).c_str());
  }
  *out = a->flags;
  END_CALL
}

namespace {

void pointer_attribute(void* out, int which, CUdeviceptr p) {
  const Allocation* a = live_allocation(p);
  if (a == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "%s", describe_address(reinterpret_cast<void*>(p)).c_str());
  bool host = a->kind == MemoryKind::PINNED || a->kind == MemoryKind::REGISTERED;
  switch (which) {
    case 1: *static_cast<CUcontext*>(out) = a->context; return;
    case 2: *static_cast<unsigned*>(out) = host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE; return;
    case 3: *static_cast<CUdeviceptr*>(out) = p; return;
    case 4:
      if (!host && a->kind != MemoryKind::MANAGED) fail(CUDA_ERROR_INVALID_VALUE, "device memory has no host pointer");
      *static_cast<void**>(out) = reinterpret_cast<void*>(p);
      return;
    case 6: *static_cast<unsigned*>(out) = 0; return;
    case 7: *static_cast<unsigned long long*>(out) = a->id; return;
    case 8: *static_cast<unsigned*>(out) = a->kind == MemoryKind::MANAGED; return;
    case 9: *static_cast<int*>(out) = a->device; return;
    case 11: *static_cast<CUdeviceptr*>(out) = a->base; return;
    case 12: *static_cast<size_t*>(out) = a->bytes; return;
    case 13: *static_cast<unsigned*>(out) = 1; return;
    case 17: *static_cast<void**>(out) = a->pool; return;
    default: fail(CUDA_ERROR_INVALID_VALUE, "pointer attribute %d is not simulated", which);
  }
}

}  // namespace

CU_CALL cuPointerGetAttribute(void* out, int which, CUdeviceptr p) {
  CALL(OTHER)
  current();
  if (out == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "no place for the attribute");
  pointer_attribute(out, which, p);
  END_CALL
}

CU_CALL cuPointerGetAttributes(unsigned count, int* which, void** out, CUdeviceptr p) {
  CALL(OTHER)
  current();
  for (unsigned i = 0; i < count; i++) pointer_attribute(out[i], which[i], p);
  END_CALL
}
