// The simulated libcublas against CUDA 12.6's: words, versions and what happens without a handle. Skipped where
// GRIDSTRIDE_REAL_LIBRARIES names no folder of NVIDIA's.
#include <dlfcn.h>

#include "cublas.h"

TEST(against_the_real_library) {
  Dl_info simulated{};
  CHECK(dladdr(reinterpret_cast<void*>(cublasCreate_v2), &simulated) != 0);
  void* real = dlopen(check::real_library("libcublas.so.12").c_str(), RTLD_NOW | RTLD_LOCAL);
  void* ours = dlopen(simulated.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  CHECK(real != nullptr && ours != nullptr && real != ours);
  if (real == nullptr || ours == nullptr) return;
  auto both = [&](const char* name) { return std::pair(dlsym(real, name), dlsym(ours, name)); };
  for (const char* name : {"cublasGetStatusName", "cublasGetStatusString"}) {
    auto [theirs, mine] = both(name);
    for (int status = -1; status < 20; status++) {
      std::string a = reinterpret_cast<const char* (*)(int)>(theirs)(status);
      CHECK(a == reinterpret_cast<const char* (*)(int)>(mine)(status));
    }
  }
  for (int which = -1; which < 4; which++) {
    auto [theirs, mine] = both("cublasGetProperty");
    int a = -7, b = -7;
    CHECK(reinterpret_cast<int (*)(int, int*)>(theirs)(which, &a) == reinterpret_cast<int (*)(int, int*)>(mine)(which, &b));
    CHECK(a == b);
  }
  for (const char* name : {"cublasDestroy_v2", "cublasSetStream_v2", "cublasSetMathMode", "cublasGemmEx"}) {
    auto [theirs, mine] = both(name);  // without a handle; no other argument counts
    using Call = int (*)(void*, int, int, int, int, int, void*, void*, int, int, void*, int, int, void*, void*, int, int, int, int);
    auto status = [](void* f) {
      return reinterpret_cast<Call>(f)(nullptr, 0, 0, 2, 2, 2, nullptr, nullptr, 0, 2, nullptr, 0, 2, nullptr, nullptr, 0, 2, 68, -1);
    };
    CHECK_CODE(status(mine), status(theirs));
  }
}

TEST_MAIN
