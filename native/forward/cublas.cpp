// libcublas.so.12 on libcublas.so.13.
#include "forward.h"

namespace gridstride::forward {

const char* const OWN = "libcublas.so.12";
const char* const TARGET = "libcublas.so.13";
const char* const COMPANION = "libcublasLt.so.13";
const int UNAVAILABLE = 1;        // CUBLAS_STATUS_NOT_INITIALIZED
const int MISSING_FUNCTION = 15;  // CUBLAS_STATUS_NOT_SUPPORTED
const char* const TEXT_CALLS[] = {"cublasGetStatusName", "cublasGetStatusString", nullptr};

}  // namespace gridstride::forward
