// Driver calls that are not simulated.
#include "unsupported.h"

#include <cstdio>
#include <set>
#include <string>

#include "state.h"

using namespace gridstride;

int gridstride_unsupported(const char* name) {
  CallSite* site = nullptr;
  {
    std::lock_guard<std::mutex> hold(driver_lock);
    static auto& known = *new std::unordered_map<std::string, CallSite*>;
    CallSite*& mine = known[name];
    if (mine == nullptr) {
      mine = new CallSite(name, Kind::OTHER);
      std::fprintf(stderr, "gridstride simulated device: %s is not simulated (CUDA_ERROR_NOT_SUPPORTED)\n", name);
    }
    site = mine;
  }
  return call(*site, [&]() -> int { fail(CUDA_ERROR_NOT_SUPPORTED, "not simulated"); });
}
