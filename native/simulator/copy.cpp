// Copies and fills, synchronous and in streams.
#include <cstring>

#include "event.h"
#include "graph.h"
#include "launch.h"
#include "work.h"

namespace gridstride {

// Fails unless [p, p + bytes) lies in one live allocation that the context's device can reach.
void check_device_range(uintptr_t p, size_t bytes, const char* role, const Context& context) {
  const Allocation* a = live_allocation(p);
  if (a == nullptr) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is not device memory: %s", role,
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (a->freed_by[0] != '\0') {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is used after its %s: %s", role, a->freed_by,
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (bytes > a->end() - p) {
    fail(CUDA_ERROR_INVALID_VALUE,
         "%s out of range: bytes %zu to %zu of allocation #%llu, which has %zu bytes (%s, 0x%llx)", role,
         static_cast<size_t>(p - a->base), static_cast<size_t>(p - a->base + bytes - 1),
         static_cast<unsigned long long>(a->id), a->bytes, a->made_by, static_cast<unsigned long long>(a->base));
  }
  (void)context;  // unified addressing: copies may cross devices
}

namespace {

bool pinned(uintptr_t p) {
  const Allocation* a = live_allocation(p);
  return a != nullptr && (a->kind == MemoryKind::PINNED || a->kind == MemoryKind::REGISTERED);
}

enum class Side { HOST, DEVICE, ANY };

// One end of a copy: resolves what kind of memory it is and checks its range.
CopyTask::End end_of(uintptr_t p, size_t bytes, Side side, const char* role, const Context& context) {
  CopyTask::End end;
  end.base = p;
  if (p == 0) fail(CUDA_ERROR_INVALID_VALUE, "%s is the null pointer", role);
  const Allocation* a = live_allocation(p);
  bool host = a == nullptr ? side != Side::DEVICE && find_freed(reinterpret_cast<void*>(p)) == nullptr : false;
  if (side == Side::HOST && a != nullptr && a->kind == MemoryKind::DEVICE) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is given as host memory, but is device memory: %s", role,
         describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (side == Side::ANY && a == nullptr && !host) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s is not live: %s", role, describe_address(reinterpret_cast<void*>(p)).c_str());
  }
  if (!host) check_device_range(p, bytes, role, context);
  end.host = host;
  return end;
}

void issue_copy(Stream& stream, Work* work, bool synchronous) {
  CopyTask& c = work->task.copy;
  work->task.kind = TaskKind::COPY;
  bool pageable_source = c.from.host, pageable_target = c.to.host;
  if (stream.capture != nullptr) {
    bool bad = synchronous || pageable_source || pageable_target;
    if (bad) {
      drop(work);
      refuse_on_capturing(stream, synchronous ? "a synchronous copy" : "a copy of pageable host memory (pin it)");
    }
  }
  if (!synchronous && pageable_source && c.height == 1 && c.depth == 1) {
    // As documented: pageable memory is copied to a staging buffer at the call.
    c.staged.assign(reinterpret_cast<const unsigned char*>(c.from.base),
                    reinterpret_cast<const unsigned char*>(c.from.base) + c.width);
  }
  bool wait = synchronous ? pageable_source || pageable_target || pinned(c.from.base) ||
                                pinned(c.to.base)  // between devices: does not wait
                          : pageable_target || (pageable_source && c.staged.empty() && c.width > 0);
  submit(stream, work);
  if (wait) synchronize(*stream.context, stream.last);
}

void flat_copy(Stream& stream, uintptr_t to, Side to_side, uintptr_t from, Side from_side, size_t bytes,
               bool synchronous) {
  Context& context = *stream.context;
  if (bytes == 0) return;
  CopyTask::End t = end_of(to, bytes, to_side, "destination", context),
                f = end_of(from, bytes, from_side, "source", context);
  Work* work = new_work();
  CopyTask& c = work->task.copy;
  c.to = t;
  c.from = f;
  c.width = bytes;
  c.height = c.depth = 1;
  c.staged.clear();
  issue_copy(stream, work, synchronous);
}

void check_pitched(CopyTask::End& end, uintptr_t base, unsigned type, const char* role, size_t x, size_t y, size_t z,
                   size_t pitch, size_t rows, size_t width, size_t height, size_t depth, const Context& context) {
  if (type == CU_MEMORYTYPE_ARRAY) fail(CUDA_ERROR_NOT_SUPPORTED, "%s: arrays are not simulated", role);
  if (type < 1 || type > 4) fail(CUDA_ERROR_INVALID_VALUE, "%s: unknown memory type %u", role, type);
  if (pitch == 0) pitch = x + width;
  if (rows == 0) rows = y + height;
  if (pitch < x + width) {
    fail(CUDA_ERROR_INVALID_VALUE, "%s: pitch %zu is less than the %zu bytes of a row", role, pitch, x + width);
  }
  uintptr_t start = base + z * pitch * rows + y * pitch + x;
  size_t reach = (depth - 1) * pitch * rows + (height - 1) * pitch + width;
  end = end_of(start, reach,
               type == CU_MEMORYTYPE_HOST     ? Side::HOST
               : type == CU_MEMORYTYPE_DEVICE ? Side::DEVICE
                                              : Side::ANY,
               role, context);
  end.pitch = pitch;
  end.slice = pitch * rows;
}

}  // namespace

// Turns the structure into a task; also for graph nodes. False if there is nothing to copy.
bool copy_task(CopyTask& c, const CUDA_MEMCPY3D& p, const Context& context) {
  if (p.WidthInBytes == 0 || p.Height == 0 || p.Depth == 0) return false;
  c.width = p.WidthInBytes;
  c.height = p.Height;
  c.depth = p.Depth;
  c.staged.clear();
  uintptr_t to = p.dstMemoryType == CU_MEMORYTYPE_HOST ? reinterpret_cast<uintptr_t>(p.dstHost)
                                                       : static_cast<uintptr_t>(p.dstDevice);
  uintptr_t from = p.srcMemoryType == CU_MEMORYTYPE_HOST ? reinterpret_cast<uintptr_t>(p.srcHost)
                                                         : static_cast<uintptr_t>(p.srcDevice);
  check_pitched(c.to, to, p.dstMemoryType, "destination", p.dstXInBytes, p.dstY, p.dstZ, p.dstPitch, p.dstHeight,
                c.width, c.height, c.depth, context);
  check_pitched(c.from, from, p.srcMemoryType, "source", p.srcXInBytes, p.srcY, p.srcZ, p.srcPitch, p.srcHeight,
                c.width, c.height, c.depth, context);
  return true;
}

// The same for a fill.
void fill_task(FillTask& f, CUdeviceptr to, size_t pitch, unsigned value, unsigned element, size_t width, size_t height,
               const Context& context) {
  if (element != 1 && element != 2 && element != 4) {
    fail(CUDA_ERROR_INVALID_VALUE, "element size must be 1, 2 or 4, not %u", element);
  }
  if (to % element != 0) {
    fail(CUDA_ERROR_INVALID_VALUE, "address 0x%llx is not a multiple of the element's %u bytes", to, element);
  }
  if (height == 1) pitch = width * element;
  if (pitch < width * element) {
    fail(CUDA_ERROR_INVALID_VALUE, "pitch %zu is less than the %zu bytes of a row", pitch, width * element);
  }
  check_device_range(to, (height - 1) * pitch + width * element, "destination", context);
  f = {static_cast<uintptr_t>(to), pitch, width, height, value, element};
}

namespace {

void copy_3d(Stream& stream, const CUDA_MEMCPY3D& p, bool synchronous) {
  Work* work = new_work();
  try {
    if (!copy_task(work->task.copy, p, *stream.context)) {
      drop(work);
      return;
    }
  } catch (...) {
    drop(work);
    throw;
  }
  issue_copy(stream, work, synchronous);
}

CUDA_MEMCPY3D box_of(const CUDA_MEMCPY2D& p) {
  CUDA_MEMCPY3D b{};
  b.srcXInBytes = p.srcXInBytes;
  b.srcY = p.srcY;
  b.srcMemoryType = p.srcMemoryType;
  b.srcHost = p.srcHost;
  b.srcDevice = p.srcDevice;
  b.srcPitch = p.srcPitch;
  b.dstXInBytes = p.dstXInBytes;
  b.dstY = p.dstY;
  b.dstMemoryType = p.dstMemoryType;
  b.dstHost = p.dstHost;
  b.dstDevice = p.dstDevice;
  b.dstPitch = p.dstPitch;
  b.WidthInBytes = p.WidthInBytes;
  b.Height = p.Height;
  b.Depth = 1;
  return b;
}

// Fills do not wait, in either form; the plain form belongs to the legacy stream.
void fill(CUstream handle, CUdeviceptr to, size_t pitch, unsigned value, unsigned element, size_t width,
          size_t height) {
  Stream& stream = stream_of(handle);
  if (width == 0 || height == 0) return;
  FillTask f;
  fill_task(f, to, pitch, value, element, width, height, *stream.context);
  Work* work = new_work();
  work->task.kind = TaskKind::FILL;
  work->task.fill = f;
  submit(stream, work);
}

uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

}  // namespace

}  // namespace gridstride

using namespace gridstride;

CU_CALL cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  CALL(COPY)
  flat_copy(stream_of(nullptr), to, Side::DEVICE, address(from), Side::HOST, bytes, true);
  END_CALL
}

CU_CALL cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  CALL(COPY)
  flat_copy(stream_of(nullptr), address(to), Side::HOST, from, Side::DEVICE, bytes, true);
  END_CALL
}

CU_CALL cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  CALL(COPY)
  flat_copy(stream_of(nullptr), to, Side::DEVICE, from, Side::DEVICE, bytes, true);
  END_CALL
}

CU_CALL cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  CALL(COPY)
  flat_copy(stream_of(nullptr), to, Side::ANY, from, Side::ANY, bytes, true);
  END_CALL
}

CU_CALL cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  CALL(COPY)
  flat_copy(stream_of(stream), to, Side::DEVICE, address(from), Side::HOST, bytes, false);
  END_CALL
}

CU_CALL cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  CALL(COPY)
  flat_copy(stream_of(stream), address(to), Side::HOST, from, Side::DEVICE, bytes, false);
  END_CALL
}

CU_CALL cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  CALL(COPY)
  flat_copy(stream_of(stream), to, Side::DEVICE, from, Side::DEVICE, bytes, false);
  END_CALL
}

CU_CALL cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  CALL(COPY)
  flat_copy(stream_of(stream), to, Side::ANY, from, Side::ANY, bytes, false);
  END_CALL
}

CU_CALL cuMemcpyPeer(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes) {
  CALL(COPY)
  flat_copy(stream_of(nullptr), to, Side::DEVICE, from, Side::DEVICE, bytes, true);
  END_CALL
}

CU_CALL cuMemcpyPeerAsync(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t bytes, CUstream stream) {
  CALL(COPY)
  flat_copy(stream_of(stream), to, Side::DEVICE, from, Side::DEVICE, bytes, false);
  END_CALL
}

CU_CALL cuMemcpy2D_v2(const CUDA_MEMCPY2D* p) {
  CALL(COPY)
  copy_3d(stream_of(nullptr), box_of(*p), true);
  END_CALL
}

CU_CALL cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* p) {
  CALL(COPY)
  copy_3d(stream_of(nullptr), box_of(*p), true);
  END_CALL
}

CU_CALL cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* p, CUstream stream) {
  CALL(COPY)
  copy_3d(stream_of(stream), box_of(*p), false);
  END_CALL
}

CU_CALL cuMemcpy3D_v2(const CUDA_MEMCPY3D* p) {
  CALL(COPY)
  copy_3d(stream_of(nullptr), *p, true);
  END_CALL
}

CU_CALL cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* p, CUstream stream) {
  CALL(COPY)
  copy_3d(stream_of(stream), *p, false);
  END_CALL
}

CU_CALL cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  CALL(COPY)
  fill(nullptr, to, 0, value, 1, count, 1);
  END_CALL
}

CU_CALL cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
  CALL(COPY)
  fill(nullptr, to, 0, value, 2, count, 1);
  END_CALL
}

CU_CALL cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  CALL(COPY)
  fill(nullptr, to, 0, value, 4, count, 1);
  END_CALL
}

CU_CALL cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  CALL(COPY)
  fill(stream, to, 0, value, 1, count, 1);
  END_CALL
}

CU_CALL cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  CALL(COPY)
  fill(stream, to, 0, value, 2, count, 1);
  END_CALL
}

CU_CALL cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  CALL(COPY)
  fill(stream, to, 0, value, 4, count, 1);
  END_CALL
}

CU_CALL cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) {
  CALL(COPY)
  fill(nullptr, to, pitch, value, 1, width, height);
  END_CALL
}

CU_CALL cuMemsetD2D16_v2(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height) {
  CALL(COPY)
  fill(nullptr, to, pitch, value, 2, width, height);
  END_CALL
}

CU_CALL cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height) {
  CALL(COPY)
  fill(nullptr, to, pitch, value, 4, width, height);
  END_CALL
}

CU_CALL cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height,
                          CUstream stream) {
  CALL(COPY)
  fill(stream, to, pitch, value, 1, width, height);
  END_CALL
}

CU_CALL cuMemsetD2D16Async(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height,
                           CUstream stream) {
  CALL(COPY)
  fill(stream, to, pitch, value, 2, width, height);
  END_CALL
}

CU_CALL cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height, CUstream stream) {
  CALL(COPY)
  fill(stream, to, pitch, value, 4, width, height);
  END_CALL
}
