// A few macros for test programs, and the driver's calls as they declare them.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "api.h"
#include "control.h"

namespace check {

struct Test {
  const char* name;
  void (*body)();
};
inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}
inline int failures = 0;

inline bool add(const char* name, void (*body)()) {
  tests().push_back({name, body});
  return true;
}

inline void fail(const char* file, int line, const std::string& what) {
  std::printf("    %s:%d: %s\n", file, line, what.c_str());
  failures++;
}

inline void code(const char* file, int line, const char* call, int got, int expected) {
  if (got != expected) {
    fail(file, line,
         std::string(call) + " gave " + std::to_string(got) + ", expected " + std::to_string(expected) +
             "; last error: " + gridstride_sim_last_error());
  }
}

inline void says(const char* file, int line, const std::string& part) {
  std::string all = gridstride_sim_last_error();
  if (all.find(part) == std::string::npos) fail(file, line, "the last error does not say \"" + part + "\": " + all);
}

// Ends the program, for ctest as one whose test was skipped (SKIP_RETURN_CODE), unless something has failed before.
[[noreturn]] inline void skip(const std::string& why) {
  std::printf("skipped: %s\n", why.c_str());
  std::exit(failures == 0 ? 77 : 1);
}

// The file of NVIDIA's library of that name, to hold ours against; without one the test is skipped.
inline std::string real_library(const std::string& name) {
  const char* folder = std::getenv("GRIDSTRIDE_REAL_LIBRARIES");
  if (folder == nullptr) skip("GRIDSTRIDE_REAL_LIBRARIES names no folder with NVIDIA's " + name + " to hold ours against");
  return std::string(folder) + "/" + name;
}

// Bytes of a file; an empty vector if there is none.
inline std::vector<char> read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace check

#define TEST(name)                                          \
  static void name();                                       \
  static const bool added_##name = check::add(#name, name); \
  static void name()
#define CHECK(condition)                                           \
  do {                                                             \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition); \
  } while (false)
#define CHECK_CODE(call, expected) check::code(__FILE__, __LINE__, #call, call, expected)
#define CHECK_OK(call) CHECK_CODE(call, 0)
#define CHECK_SAYS(part) check::says(__FILE__, __LINE__, part)

// Runs all tests of the program, or those named on the command line.
#define TEST_MAIN                                                                          \
  int main(int argc, char** argv) {                                                        \
    for (const check::Test& t : check::tests()) {                                          \
      bool wanted = argc < 2;                                                              \
      for (int i = 1; i < argc; i++) wanted = wanted || std::strcmp(argv[i], t.name) == 0; \
      if (!wanted) continue;                                                               \
      int before = check::failures;                                                        \
      t.body();                                                                            \
      std::printf("%s %s\n", check::failures == before ? "ok  " : "FAIL", t.name);         \
    }                                                                                      \
    return check::failures == 0 ? 0 : 1;                                                   \
  }

// The calls under test. The library exports them with these signatures; CUDA's own header is not needed.
#define DECLARE(name, ...) extern "C" CUresult name(__VA_ARGS__);
DECLARE(cuInit, unsigned)
DECLARE(cuDriverGetVersion, int*)
DECLARE(cuGetErrorName, CUresult, const char**)
DECLARE(cuGetErrorString, CUresult, const char**)
DECLARE(cuDeviceGet, CUdevice*, int)
DECLARE(cuDeviceGetCount, int*)
DECLARE(cuDeviceGetName, char*, int, CUdevice)
DECLARE(cuDeviceTotalMem_v2, size_t*, CUdevice)
DECLARE(cuDeviceGetAttribute, int*, int, CUdevice)
DECLARE(cuDevicePrimaryCtxRetain, CUcontext*, CUdevice)
DECLARE(cuDevicePrimaryCtxRelease_v2, CUdevice)
DECLARE(cuDevicePrimaryCtxReset_v2, CUdevice)
DECLARE(cuDevicePrimaryCtxGetState, CUdevice, unsigned*, int*)
DECLARE(cuCtxCreate_v2, CUcontext*, unsigned, CUdevice)
DECLARE(cuCtxDestroy_v2, CUcontext)
DECLARE(cuCtxGetCurrent, CUcontext*)
DECLARE(cuCtxSetCurrent, CUcontext)
DECLARE(cuCtxPushCurrent_v2, CUcontext)
DECLARE(cuCtxPopCurrent_v2, CUcontext*)
DECLARE(cuCtxGetDevice, CUdevice*)
DECLARE(cuCtxSynchronize)
DECLARE(cuMemAlloc_v2, CUdeviceptr*, size_t)
DECLARE(cuMemFree_v2, CUdeviceptr)
DECLARE(cuMemGetInfo_v2, size_t*, size_t*)
DECLARE(cuMemGetAddressRange_v2, CUdeviceptr*, size_t*, CUdeviceptr)
DECLARE(cuMemAllocHost_v2, void**, size_t)
DECLARE(cuMemFreeHost, void*)
DECLARE(cuMemHostRegister_v2, void*, size_t, unsigned)
DECLARE(cuMemHostUnregister, void*)
DECLARE(cuMemcpyHtoD_v2, CUdeviceptr, const void*, size_t)
DECLARE(cuMemcpyDtoH_v2, void*, CUdeviceptr, size_t)
DECLARE(cuMemcpyDtoD_v2, CUdeviceptr, CUdeviceptr, size_t)
DECLARE(cuMemcpyHtoDAsync_v2, CUdeviceptr, const void*, size_t, CUstream)
DECLARE(cuMemcpyDtoHAsync_v2, void*, CUdeviceptr, size_t, CUstream)
DECLARE(cuMemcpyDtoDAsync_v2, CUdeviceptr, CUdeviceptr, size_t, CUstream)
DECLARE(cuMemcpy2D_v2, const CUDA_MEMCPY2D*)
DECLARE(cuMemsetD8_v2, CUdeviceptr, unsigned char, size_t)
DECLARE(cuMemsetD32_v2, CUdeviceptr, unsigned, size_t)
DECLARE(cuMemsetD8Async, CUdeviceptr, unsigned char, size_t, CUstream)
DECLARE(cuMemsetD32Async, CUdeviceptr, unsigned, size_t, CUstream)
DECLARE(cuPointerGetAttribute, void*, int, CUdeviceptr)
DECLARE(cuMemAllocAsync, CUdeviceptr*, size_t, CUstream)
DECLARE(cuMemAllocFromPoolAsync, CUdeviceptr*, size_t, CUmemoryPool, CUstream)
DECLARE(cuMemFreeAsync, CUdeviceptr, CUstream)
DECLARE(cuMemPoolCreate, CUmemoryPool*, const CUmemPoolProps*)
DECLARE(cuMemPoolDestroy, CUmemoryPool)
DECLARE(cuMemPoolTrimTo, CUmemoryPool, size_t)
DECLARE(cuMemPoolGetAttribute, CUmemoryPool, int, void*)
DECLARE(cuModuleLoadData, CUmodule*, const void*)
DECLARE(cuModuleLoadDataEx, CUmodule*, const void*, unsigned, int*, void**)
DECLARE(cuModuleUnload, CUmodule)
DECLARE(cuModuleGetFunction, CUfunction*, CUmodule, const char*)
DECLARE(cuModuleGetGlobal_v2, CUdeviceptr*, size_t*, CUmodule, const char*)
DECLARE(cuFuncGetAttribute, int*, int, CUfunction)
DECLARE(cuFuncSetAttribute, CUfunction, int, int)
DECLARE(cuFuncGetParamInfo, CUfunction, size_t, size_t*, size_t*)
DECLARE(cuOccupancyMaxActiveBlocksPerMultiprocessor, int*, CUfunction, int, size_t)
DECLARE(cuLaunchKernel, CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
        void**, void**)
DECLARE(cuLaunchHostFunc, CUstream, CUhostFn, void*)
DECLARE(cuStreamCreate, CUstream*, unsigned)
DECLARE(cuStreamCreateWithPriority, CUstream*, unsigned, int)
DECLARE(cuStreamDestroy_v2, CUstream)
DECLARE(cuStreamSynchronize, CUstream)
DECLARE(cuStreamQuery, CUstream)
DECLARE(cuStreamWaitEvent, CUstream, CUevent, unsigned)
DECLARE(cuStreamGetPriority, CUstream, int*)
DECLARE(cuStreamBeginCapture_v2, CUstream, int)
DECLARE(cuStreamEndCapture, CUstream, CUgraph*)
DECLARE(cuStreamIsCapturing, CUstream, int*)
DECLARE(cuStreamGetCtx, CUstream, CUcontext*)
DECLARE(cuThreadExchangeStreamCaptureMode, int*)
DECLARE(cuEventCreate, CUevent*, unsigned)
DECLARE(cuEventDestroy_v2, CUevent)
DECLARE(cuEventRecord, CUevent, CUstream)
DECLARE(cuEventQuery, CUevent)
DECLARE(cuEventSynchronize, CUevent)
DECLARE(cuEventElapsedTime, float*, CUevent, CUevent)
DECLARE(cuGraphCreate, CUgraph*, unsigned)
DECLARE(cuGraphDestroy, CUgraph)
DECLARE(cuGraphAddKernelNode_v2, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_KERNEL_NODE_PARAMS*)
DECLARE(cuGraphAddMemcpyNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_MEMCPY3D*, CUcontext)
DECLARE(cuGraphAddMemsetNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_MEMSET_NODE_PARAMS*,
        CUcontext)
DECLARE(cuGraphAddHostNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_HOST_NODE_PARAMS*)
DECLARE(cuGraphAddEmptyNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t)
DECLARE(cuGraphAddChildGraphNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, CUgraph)
DECLARE(cuGraphAddDependencies, CUgraph, const CUgraphNode*, const CUgraphNode*, size_t)
DECLARE(cuGraphRemoveDependencies, CUgraph, const CUgraphNode*, const CUgraphNode*, size_t)
DECLARE(cuGraphGetNodes, CUgraph, CUgraphNode*, size_t*)
DECLARE(cuGraphGetRootNodes, CUgraph, CUgraphNode*, size_t*)
DECLARE(cuGraphGetEdges, CUgraph, CUgraphNode*, CUgraphNode*, size_t*)
DECLARE(cuGraphNodeGetType, CUgraphNode, int*)
DECLARE(cuGraphDestroyNode, CUgraphNode)
DECLARE(cuGraphClone, CUgraph*, CUgraph)
DECLARE(cuGraphInstantiateWithFlags, CUgraphExec*, CUgraph, unsigned long long)
DECLARE(cuGraphLaunch, CUgraphExec, CUstream)
DECLARE(cuGraphExecDestroy, CUgraphExec)
DECLARE(cuGraphExecKernelNodeSetParams_v2, CUgraphExec, CUgraphNode, const CUDA_KERNEL_NODE_PARAMS*)
DECLARE(cuGraphExecUpdate_v2, CUgraphExec, CUgraph, void*)
DECLARE(cuArrayCreate_v2)
#undef DECLARE
