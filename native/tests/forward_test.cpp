// The libraries that pass calls on: arguments and results of all kinds arrive, and what is missing says so.
#include <dlfcn.h>

#include "check.h"

template <class F>
static F* function(void* library, const char* name) {
  void* f = dlsym(library, name);
  if (f == nullptr) {
    std::printf("%s\n", dlerror());
    std::exit(1);
  }
  return reinterpret_cast<F*>(f);
}

static void* open(const char* file) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    std::exit(1);
  }
  return library;
}

// A kernel is compiled by CUDA 13's compiler. Where there is none, the functions say so, and the rest is skipped.
TEST(nvrtc) {
  void* nvrtc = open(FORWARD_NVRTC);
  const char* problem = function<const char*()>(nvrtc, "gridstride_forward_problem")();
  auto* version = function<int(int*, int*)>(nvrtc, "nvrtcVersion");
  auto* words = function<const char*(int)>(nvrtc, "nvrtcGetErrorString");
  int major = 0, minor = 0;
  if (problem != nullptr) {
    CHECK(std::strstr(problem, "libnvrtc.so.12 of Gridstride passes calls on to libnvrtc.so.13") != nullptr);
    CHECK(std::strstr(problem, "GRIDSTRIDE_CUDA_LIBRARIES") != nullptr);
    CHECK(version(&major, &minor) == 11);
    CHECK(std::strncmp(words(11), "unknown", 7) == 0);
    CHECK(function<const char*()>(nvrtc, "gridstride_forward_target")() == nullptr);
    check::skip(problem);
  }
  CHECK(version(&major, &minor) == 0);
  CHECK(major == 13);
  std::printf("     NVRTC %d.%d of %s\n", major, minor, function<const char*()>(nvrtc, "gridstride_forward_target")());
  CHECK(std::strcmp(words(6), "NVRTC_ERROR_COMPILATION") == 0);
  void* program = nullptr;
  const char* option = "--gpu-architecture=sm_90";
  CHECK(function<int(void**, const char*, const char*, int, const char* const*, const char* const*)>(
            nvrtc, "nvrtcCreateProgram")(&program, "extern \"C\" __global__ void f(float* p) { *p = 1; }", "f.cu", 0,
                                         nullptr, nullptr) == 0);
  CHECK(function<int(void*, int, const char* const*)>(nvrtc, "nvrtcCompileProgram")(program, 1, &option) == 0);
  size_t bytes = 0;
  CHECK(function<int(void*, size_t*)>(nvrtc, "nvrtcGetCUBINSize")(program, &bytes) == 0);
  CHECK(bytes > 1000);
  CHECK(function<int(void*, size_t*)>(nvrtc, "nvrtcGetNVVMSize")(program, &bytes) == 11);  // CUDA 13 has it no more
  CHECK(function<int(void**)>(nvrtc, "nvrtcDestroyProgram")(&program) == 0);
}

TEST(cublas) {
  setenv("GRIDSTRIDE_CUDA_LIBRARIES", "/nowhere::" FORWARD_TARGET_FOLDER, 1);
  void* cublas = open(FORWARD_CUBLAS);
  auto* gemm = function<int(void*, int, int, int, int, int, const void*, const void*, int, int, const void*, int, int,
                            const void*, void*, int, int, int, int)>(cublas, "cublasGemmEx");
  auto at = [](int64_t p) { return reinterpret_cast<void*>(p); };
  for (int i = 0; i < 2; i++) {  // the first call finds the function, the second knows it
    CHECK(gemm(at(101), 1, 2, 3, 4, 5, at(102), at(103), 6, 7, at(104), 8, 9, at(105), at(106), 10, 11, 12, 13) == 42);
  }
  CHECK(function<const char*()>(cublas, "gridstride_forward_problem")() == nullptr);
  std::string file = function<const char*()>(cublas, "gridstride_forward_target")();
  CHECK(file == FORWARD_TARGET_FOLDER "/libcublas.so.13");
  void* target = open(file.c_str());
  const int64_t* noted = function<const int64_t*()>(target, "forward_target_noted")();
  for (int i = 0; i < 6; i++) CHECK(noted[i] == 101 + i);
  for (int i = 0; i < 13; i++) CHECK(noted[6 + i] == 1 + i);
  CHECK(function<int(double, double, double, double, double, double, double, double)>(cublas, "cublasSetMathMode")(
            0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5) == 43);
  const double* floats = function<const double*()>(target, "forward_target_floats")();
  for (int i = 0; i < 8; i++) CHECK(floats[i] == i + 0.5);
  CHECK(std::strcmp(function<const char*(int)>(cublas, "cublasGetStatusName")(7), "seven") == 0);
  CHECK(function<size_t()>(cublas, "cublasGetCudartVersion")() == (size_t{1} << 40) + 13000);
  for (int i = 0; i < 2; i++) CHECK(function<int(void**)>(cublas, "cublasCreate_v2")(nullptr) == 15);  // it lacks it
  CHECK(std::strncmp(function<const char*(int)>(cublas, "cublasGetStatusString")(7), "unknown", 7) == 0);
  CHECK(dlclose(cublas) == 0);
  CHECK(dlopen("libcublas.so.12", RTLD_NOW | RTLD_NOLOAD) == nullptr);  // its name is free for another
}

TEST_MAIN
