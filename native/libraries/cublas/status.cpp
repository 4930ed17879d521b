// Statuses and versions.
#include "handle.h"

using namespace gridstride;

namespace {

// As the library of CUDA 12.6 has them. 10000 * major + 100 * minor + patch; 1000 * major + 10 * minor.
constexpr int VERSION = 120603, CUDA_RUNTIME = 12030;

struct Status {
  int number;
  const char *name, *meaning;
};
const Status STATUSES[] = {
    {cublas::SUCCESS, "CUBLAS_STATUS_SUCCESS", "success"},
    {cublas::NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED", "the library was not initialized"},
    {cublas::ALLOC_FAILED, "CUBLAS_STATUS_ALLOC_FAILED", "the resource allocation failed"},
    {cublas::INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE", "an unsupported value or parameter was passed to the function"},
    {cublas::ARCH_MISMATCH, "CUBLAS_STATUS_ARCH_MISMATCH", "the function requires an architectural feature absent from the device"},
    {cublas::MAPPING_ERROR, "CUBLAS_STATUS_MAPPING_ERROR", "an access to GPU memory space failed"},
    {cublas::EXECUTION_FAILED, "CUBLAS_STATUS_EXECUTION_FAILED", "the function failed to launch on the GPU"},
    {cublas::INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR", "an internal operation failed"},
    {cublas::NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED", "the requested functionality is not supported"},
    {cublas::LICENSE_ERROR, "CUBLAS_STATUS_LICENSE_ERROR", "the license check failed"},
};

const Status* find(int status) {
  for (const Status& s : STATUSES) {
    if (s.number == status) return &s;
  }
  return nullptr;
}

}  // namespace

namespace gridstride::library {

const int STATUS_UNSUPPORTED = cublas::NOT_SUPPORTED;

const char* status_name(int status) {
  const Status* s = find(status);
  return s == nullptr ? "unrecognized status" : s->name;
}

int status_of(int cuda_code) {
  switch (cuda_code) {
    case CUDA_SUCCESS: return cublas::SUCCESS;
    case CUDA_ERROR_INVALID_VALUE: return cublas::INVALID_VALUE;
    case CUDA_ERROR_OUT_OF_MEMORY: return cublas::ALLOC_FAILED;
    case CUDA_ERROR_NOT_INITIALIZED:
    case CUDA_ERROR_NO_DEVICE:
    case CUDA_ERROR_INVALID_CONTEXT: return cublas::NOT_INITIALIZED;
    default: return cublas::EXECUTION_FAILED;
  }
}

}  // namespace gridstride::library

using namespace gridstride::library;

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED const char* cublasGetStatusName(int status) { return status_name(status); }

EXPORTED const char* cublasGetStatusString(int status) {
  const Status* s = find(status);
  return s == nullptr ? "unrecognized status" : s->meaning;
}

EXPORTED size_t cublasGetCudartVersion() { return CUDA_RUNTIME; }

// The handle may be null.
LIBRARY_CALL cublasGetVersion_v2(void*, int* out) {
  CALL
  if (out == nullptr) fail(cublas::INVALID_VALUE, "no place for the result");
  *out = VERSION;
  END_CALL
}

LIBRARY_CALL cublasGetProperty(int which, int* out) {
  CALL
  if (out == nullptr || which < 0 || which > 2) {
    fail(cublas::INVALID_VALUE, "no place for the result, or property %d is none of 0 (major), 1 (minor), 2 (patch)", which);
  }
  const int parts[] = {VERSION / 10000, VERSION / 100 % 100, VERSION % 100};
  *out = parts[which];
  END_CALL
}
