// Handles: their making and their settings.
#include "handle.h"

namespace gridstride::cublas {

using library::fail;

namespace {

constexpr size_t OWN_WORKSPACE = size_t{4} << 20;  // as documented; 32 MiB on Hopper
constexpr size_t WORKSPACE_ALIGNMENT = 256;

auto& handles = *new library::Live<Handle>("handle of cuBLAS", "cublas_handles", NOT_INITIALIZED);

template <class T>
T& place(T* out) {
  if (out == nullptr) fail(INVALID_VALUE, "no place for the result");
  return *out;
}

}  // namespace

void Handle::use_own_workspace() {
  workspace = reinterpret_cast<uintptr_t>(own_workspace);
  workspace_bytes = OWN_WORKSPACE;
}

Handle& handle_of(void* p) {
  Handle& handle = handles.of(p);
  library::check_context(handle.context, EXECUTION_FAILED);
  return handle;
}

}  // namespace gridstride::cublas

using namespace gridstride::cublas;
using namespace gridstride::library;

LIBRARY_CALL cublasCreate_v2(void** out) {
  CALL
  void*& made = place(out);
  auto handle = std::make_unique<Handle>();
  handle->context = current_context();
  handle->own_workspace = allocate(OWN_WORKSPACE);
  handle->use_own_workspace();
  made = handles.add(std::move(handle));
  END_CALL
}

LIBRARY_CALL cublasDestroy_v2(void* p) {
  CALL
  Handle& handle = handles.of(p);
  release(handle.own_workspace, handle.context);
  handles.destroy(p);
  END_CALL
}

LIBRARY_CALL cublasSetStream_v2(void* p, CUstream stream) {
  CALL
  Handle& handle = handle_of(p);
  check_stream(stream, handle.context);
  handle.stream = stream;
  handle.use_own_workspace();  // as documented, whatever was set before
  END_CALL
}

LIBRARY_CALL cublasGetStream_v2(void* p, CUstream* out) {
  CALL
  place(out) = handles.of(p).stream;
  END_CALL
}

LIBRARY_CALL cublasSetWorkspace_v2(void* p, void* workspace, size_t bytes) {
  CALL
  Handle& handle = handle_of(p);
  auto at = reinterpret_cast<uintptr_t>(workspace);
  if (at % WORKSPACE_ALIGNMENT != 0) {
    fail(INVALID_VALUE, "the workspace %p is not aligned to %zu bytes", workspace, WORKSPACE_ALIGNMENT);
  }
  if (at == 0 && bytes > 0) fail(INVALID_VALUE, "a workspace of %zu bytes at the null pointer", bytes);
  check_range({"the workspace", at, Access::SCRATCH, bytes});
  handle.workspace = at;
  handle.workspace_bytes = bytes;
  END_CALL
}

LIBRARY_CALL cublasSetPointerMode_v2(void* p, int mode) {
  CALL
  Handle& handle = handles.of(p);
  if (mode != 0 && mode != 1) fail(INVALID_VALUE, "pointer mode %d is neither 0 (host) nor 1 (device)", mode);
  handle.pointer_mode = static_cast<PointerMode>(mode);
  END_CALL
}

LIBRARY_CALL cublasGetPointerMode_v2(void* p, int* out) {
  CALL
  place(out) = static_cast<int>(handles.of(p).pointer_mode);
  END_CALL
}

LIBRARY_CALL cublasSetMathMode(void* p, int mode) {
  CALL
  Handle& handle = handles.of(p);
  int math = mode & ~DISALLOW_REDUCED_PRECISION_REDUCTION;
  if (mode < 0 || math > TF32_TENSOR_OP_MATH) fail(INVALID_VALUE, "there is no math mode %d", mode);
  handle.math_mode = mode;
  END_CALL
}

LIBRARY_CALL cublasGetMathMode(void* p, int* out) {
  CALL
  place(out) = handles.of(p).math_mode;
  END_CALL
}

LIBRARY_CALL cublasSetAtomicsMode(void* p, int mode) {
  CALL
  Handle& handle = handles.of(p);
  if (mode != 0 && mode != 1) fail(INVALID_VALUE, "atomics mode %d is neither 0 (not allowed) nor 1 (allowed)", mode);
  handle.atomics = mode;
  END_CALL
}

LIBRARY_CALL cublasGetAtomicsMode(void* p, int* out) {
  CALL
  place(out) = handles.of(p).atomics;
  END_CALL
}

LIBRARY_CALL cublasSetSmCountTarget(void* p, int count) {
  CALL
  Handle& handle = handles.of(p);
  if (count < 0) fail(INVALID_VALUE, "%d multiprocessors", count);
  handle.multiprocessors = count;
  END_CALL
}

LIBRARY_CALL cublasGetSmCountTarget(void* p, int* out) {
  CALL
  place(out) = handles.of(p).multiprocessors;
  END_CALL
}
