// libnvrtc.so.12 on libnvrtc.so.13.
#include "forward.h"

namespace gridstride::forward {

const char* const OWN = "libnvrtc.so.12";
const char* const TARGET = "libnvrtc.so.13";
const char* const COMPANION = "libnvrtc-builtins.so.13";
const int UNAVAILABLE = 11;  // NVRTC_ERROR_INTERNAL_ERROR
const int MISSING_FUNCTION = 11;
const char* const TEXT_CALLS[] = {"nvrtcGetErrorString", nullptr};

}  // namespace gridstride::forward
