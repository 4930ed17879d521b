// Driver calls that are not simulated.
#include "unsupported.h"

#include <cstdio>

#include "state.h"

using namespace gridstride;

int gridstride_unsupported(const char* name) {
  CallSite* site = nullptr;
  {
    std::lock_guard<std::mutex> hold(driver_lock);
    site = &site_of(name, Kind::OTHER);
    if (site->count == 0) {
      std::fprintf(stderr, "gridstride simulated device: %s is not simulated (CUDA_ERROR_NOT_SUPPORTED)\n", name);
    }
  }
  return call(*site, [&]() -> int { fail(CUDA_ERROR_NOT_SUPPORTED, "not simulated"); });
}
