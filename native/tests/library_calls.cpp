// What all libraries on the device have in common, shown by products of cuBLAS: work runs when it is waited for and in order,
// is captured, checked, made to fail, and ends with its context.
#include "check.h"
#include "cublas.h"

static CUcontext context;

static void begin() {
  CHECK_OK(cuInit(0));
  CHECK_OK(cuCtxCreate_v2(&context, 0, 0));
}

static void end() {
  CHECK_OK(cuCtxDestroy_v2(context));
  CHECK(gridstride_sim_count("allocations") == 0);
  CHECK(gridstride_sim_count("cublas_handles") == 0);
}

static CUdeviceptr floats(const std::vector<float>& values) {
  CUdeviceptr p = 0;
  CHECK_OK(cuMemAlloc_v2(&p, values.size() * 4));
  CHECK_OK(cuMemcpyHtoD_v2(p, values.data(), values.size() * 4));
  return p;
}

static std::vector<float> values(CUdeviceptr p, size_t n) {
  std::vector<float> out(n);
  CHECK_OK(cuMemcpyDtoH_v2(out.data(), p, n * 4));
  return out;
}

// C = A * B, 2 x 2.
static int product(void* handle, CUdeviceptr a, CUdeviceptr b, CUdeviceptr c) {
  float one = 1, zero = 0;
  return cublasSgemm_v2(handle, 0, 0, 2, 2, 2, &one, floats_at(a), 2, floats_at(b), 2, &zero, floats_at(c), 2);
}

static const std::vector<float> A = {1, 2, 3, 4}, B = {1, 0, 0, 2}, AB = {1, 2, 6, 8};

TEST(runs_when_waited_for) {
  begin();
  void* handle = nullptr;
  CUstream stream;
  CHECK_OK(cublasCreate_v2(&handle));
  CHECK_OK(cuStreamCreate(&stream, 1));
  CHECK_OK(cublasSetStream_v2(handle, stream));
  CUdeviceptr a = floats(A), b = floats(B), c = floats({9, 9, 9, 9});
  CHECK_OK(product(handle, a, b, c));
  CHECK(gridstride_sim_count("pending") == 1);
  CHECK(values(c, 4) == std::vector<float>(4, 9.0f));  // the legacy stream does not wait for this one
  CHECK_OK(cuStreamSynchronize(stream));
  CHECK(values(c, 4) == AB);
  CHECK_OK(cublasDestroy_v2(handle));
  end();
}

TEST(is_captured) {
  begin();
  void* handle = nullptr;
  CUstream stream;
  CUgraph graph;
  CUgraphExec exec;
  CHECK_OK(cublasCreate_v2(&handle));
  CHECK_OK(cuStreamCreate(&stream, 1));
  CHECK_OK(cublasSetStream_v2(handle, stream));
  CUdeviceptr a = floats(A), b = floats(B), c = floats({9, 9, 9, 9});
  CHECK_OK(cuStreamBeginCapture_v2(stream, 2));
  CHECK_OK(product(handle, a, b, c));
  CHECK_OK(product(handle, c, b, a));
  CHECK_OK(cuStreamEndCapture(stream, &graph));
  CUgraphNode nodes[2];
  size_t count = 2;
  CHECK_OK(cuGraphGetNodes(graph, nodes, &count));
  CHECK(count == 2);
  int type = -1;
  CHECK_OK(cuGraphNodeGetType(nodes[1], &type));
  CHECK(type == CU_GRAPH_NODE_TYPE_KERNEL);
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  CHECK_OK(cuGraphDestroy(graph));
  CHECK_OK(cublasDestroy_v2(handle));  // the graph does not need it; only its workspace must be the caller's
  CHECK_CODE(cuGraphLaunch(exec, stream), 1);
  CHECK_SAYS("the workspace is not device memory");
  CHECK_OK(cuGraphExecDestroy(exec));

  CHECK_OK(cublasCreate_v2(&handle));
  CHECK_OK(cublasSetStream_v2(handle, stream));
  CUdeviceptr workspace;
  CHECK_OK(cuMemAlloc_v2(&workspace, 1024));
  CHECK_OK(cublasSetWorkspace_v2(handle, reinterpret_cast<void*>(workspace), 1024));
  CHECK_OK(cuStreamBeginCapture_v2(stream, 2));
  CHECK_OK(product(handle, a, b, c));
  CHECK_OK(cuStreamEndCapture(stream, &graph));
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  CHECK_OK(cuGraphDestroy(graph));
  CHECK_OK(cublasDestroy_v2(handle));
  for (int i = 0; i < 2; i++) CHECK_OK(cuGraphLaunch(exec, stream));
  CHECK_OK(cuStreamSynchronize(stream));
  CHECK(values(c, 4) == AB);
  CHECK_OK(cuMemFree_v2(a));
  CHECK_CODE(cuGraphLaunch(exec, stream), 1);
  CHECK_SAYS("A is not device memory");
  CHECK_SAYS("freed by cuMemFree_v2");
  CHECK_OK(cuGraphExecDestroy(exec));
  end();
}

TEST(fails_on_demand) {
  begin();
  void* handle = nullptr;
  CHECK_OK(cublasCreate_v2(&handle));
  CUdeviceptr a = floats(A), b = floats(B), c = floats(A);
  CHECK_OK(gridstride_sim_fault("cublasSgemm_v2", 2, 15));  // the library's own status
  CHECK_OK(product(handle, a, b, c));
  CHECK_CODE(product(handle, a, b, c), 15);
  CHECK_SAYS("cublasSgemm_v2: CUBLAS_STATUS_NOT_SUPPORTED (15): fault asked for");
  CHECK_OK(product(handle, a, b, c));
  CHECK_OK(gridstride_sim_fault("library", 1, 2));  // a code of CUDA's
  CHECK_CODE(product(handle, a, b, c), 3);
  CHECK_SAYS("CUBLAS_STATUS_ALLOC_FAILED");
  gridstride_sim_start_trace();
  CHECK_OK(product(handle, a, b, c));
  CHECK_OK(cuCtxSynchronize());
  CHECK(std::string(gridstride_sim_end_trace()) == "cublasSgemm_v2\ncuCtxSynchronize\n");
  CHECK_OK(gridstride_sim_fault("any", 1, 719));
  CHECK_CODE(product(handle, a, b, c), 13);
  CHECK_CODE(cuCtxSynchronize(), 719);  // it stays with the context
  CHECK_CODE(product(handle, a, b, c), 13);
  CHECK_OK(cublasDestroy_v2(handle));
  end();
}

TEST(memory_is_checked) {
  begin();
  CHECK_OK(gridstride_sim_set("checked", "1"));
  void* handle = nullptr;
  CHECK_OK(cublasCreate_v2(&handle));
  CUdeviceptr a = floats(A), b = floats(B), c = 0;
  CHECK_OK(cuMemAlloc_v2(&c, 12));
  CHECK_CODE(product(handle, a, b, c), 7);
  CHECK_SAYS("C out of range: bytes 0 to 15");
  CHECK_CODE(product(handle, a, b, a), 7);
  CHECK_SAYS("A and C share memory");
  CUdeviceptr unset = 0;
  CHECK_OK(cuMemAlloc_v2(&unset, 16));
  CHECK_OK(product(handle, a, b, unset));  // only written
  CHECK(values(unset, 4) == AB);
  CHECK_OK(cuMemFree_v2(unset));
  CHECK_OK(cuMemAlloc_v2(&unset, 16));
  CHECK_OK(product(handle, a, unset, b));
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("cublasSgemm_v2 (m 2, n 2, k 2, 1 matrices) reads memory that nothing has written, in B");
  CHECK_OK(cublasDestroy_v2(handle));
  end();
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

TEST(unordered_work_is_found) {
  begin();
  CHECK_OK(gridstride_sim_set("checked", "1"));
  void *first = nullptr, *second = nullptr;
  CUstream one, two;
  CUevent e;
  CHECK_OK(cuStreamCreate(&one, 1));
  CHECK_OK(cuStreamCreate(&two, 1));
  CHECK_OK(cuEventCreate(&e, 2));
  CHECK_OK(cublasCreate_v2(&first));
  CHECK_OK(cublasCreate_v2(&second));
  CHECK_OK(cublasSetStream_v2(first, one));
  CHECK_OK(cublasSetStream_v2(second, two));
  CUdeviceptr a = floats(A), b = floats(B), c = floats(A), d = floats(A);
  CHECK_OK(product(first, a, b, c));
  CHECK_OK(cuEventRecord(e, one));
  CHECK_OK(cuStreamWaitEvent(two, e, 0));
  CHECK_OK(product(second, c, b, d));
  CHECK_OK(cuCtxSynchronize());
  CHECK_OK(product(first, a, b, c));
  CHECK_OK(product(second, c, b, d));
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("race between unordered work: cublasSgemm_v2");
  CHECK_OK(cublasDestroy_v2(first));
  CHECK_OK(cublasDestroy_v2(second));
  end();
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

// Kernels and a product in one graph, captured from two streams; without the second wait a race, in whatever order they run.
TEST(kernels_and_libraries_together) {
  for (bool joined : {true, false}) {
    for (const char* seed : {"0", "1", "2"}) {
      CHECK_OK(gridstride_sim_set("checked", "1"));
      CHECK_OK(gridstride_sim_set("seed", seed));
      begin();
      std::vector<char> image = check::read(TEST_IMAGES "/driver_kernels.checked.so");
      CUmodule module;
      CUfunction set, copy;
      CHECK_OK(cuModuleLoadData(&module, image.data()));
      CHECK_OK(cuModuleGetFunction(&set, module, "set"));
      CHECK_OK(cuModuleGetFunction(&copy, module, "copy"));
      void* handle = nullptr;
      CUstream one, two;
      CUevent fork, join;
      CHECK_OK(cuStreamCreate(&one, 1));
      CHECK_OK(cuStreamCreate(&two, 1));
      CHECK_OK(cuEventCreate(&fork, 2));
      CHECK_OK(cuEventCreate(&join, 2));
      CHECK_OK(cublasCreate_v2(&handle));
      CHECK_OK(cublasSetStream_v2(handle, two));
      CUdeviceptr a = floats(A), b = floats(B), c = floats(A), d = floats(A);
      float value = 2;
      int n = 4;
      void *set_arguments[] = {&a, &value, &n}, *copy_arguments[] = {&d, &c, &n};
      CUgraph graph = nullptr;
      CUgraphExec exec = nullptr;
      CHECK_OK(cuStreamBeginCapture_v2(one, 2));
      CHECK_OK(cuLaunchKernel(set, 1, 1, 1, 4, 1, 1, 0, one, set_arguments, nullptr));
      CHECK_OK(cuEventRecord(fork, one));
      CHECK_OK(cuStreamWaitEvent(two, fork, 0));
      CHECK_OK(product(handle, a, b, c));
      CHECK_OK(cuEventRecord(join, two));
      if (joined) CHECK_OK(cuStreamWaitEvent(one, join, 0));
      CHECK_OK(cuLaunchKernel(copy, 1, 1, 1, 4, 1, 1, 0, one, copy_arguments, nullptr));
      if (!joined) CHECK_OK(cuStreamWaitEvent(one, join, 0));
      CHECK_OK(cuStreamEndCapture(one, &graph));
      CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
      CHECK_OK(cuGraphDestroy(graph));
      CHECK_OK(cuGraphLaunch(exec, one));
      CHECK_CODE(cuStreamSynchronize(one), joined ? 0 : 719);
      if (joined) {
        CHECK(values(d, 4) == std::vector<float>({2, 2, 4, 4}));
      } else {
        CHECK_SAYS("race between unordered work");
        CHECK_SAYS("cublasSgemm_v2 (m 2, n 2, k 2, 1 matrices) in node");
        CHECK_SAYS("kernel copy (driver_kernels.cu:");
      }
      CHECK_OK(cuGraphExecDestroy(exec));
      CHECK_OK(cublasDestroy_v2(handle));
      end();
    }
  }
  CHECK_OK(gridstride_sim_set("seed", "0"));
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

TEST(a_workspace_is_for_one_stream) {
  begin();
  CHECK_OK(gridstride_sim_set("checked", "1"));
  void* handle = nullptr;
  CUstream one, two;
  CHECK_OK(cuStreamCreate(&one, 1));
  CHECK_OK(cuStreamCreate(&two, 1));
  CHECK_OK(cublasCreate_v2(&handle));
  CUdeviceptr a = floats(A), b = floats(B), c = floats(A), d = floats(A), workspace = floats(std::vector<float>(64, 7));
  for (CUstream stream : {one, two}) {
    CHECK_OK(cublasSetStream_v2(handle, stream));
    CHECK_OK(cublasSetWorkspace_v2(handle, reinterpret_cast<void*>(workspace), 256));
    CHECK_OK(product(handle, a, b, stream == one ? c : d));
  }
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("race between unordered work");
  CHECK_OK(cublasDestroy_v2(handle));
  end();
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

TEST(nobody_may_use_what_is_left_in_a_workspace) {
  begin();
  void* handle = nullptr;
  CHECK_OK(cublasCreate_v2(&handle));
  CUdeviceptr a = floats(A), b = floats(B), c = floats(A), workspace = floats(std::vector<float>(64, 7));
  CHECK_OK(cublasSetWorkspace_v2(handle, reinterpret_cast<void*>(workspace), 256));
  CHECK_OK(product(handle, a, b, c));
  CHECK(values(workspace, 1)[0] != values(workspace, 1)[0]);  // NaN
  CHECK_CODE(product(handle, workspace, b, c), 7);
  CHECK_SAYS("A and the workspace share memory");
  CHECK_OK(cublasDestroy_v2(handle));
  end();
}

TEST(ends_with_its_context) {
  begin();
  void* handle = nullptr;
  CHECK_OK(cublasCreate_v2(&handle));
  CUcontext other;
  CHECK_OK(cuCtxCreate_v2(&other, 0, 0));
  CUdeviceptr a = floats(A), b = floats(B), c = floats(A);
  CHECK_CODE(product(handle, a, b, c), 13);
  CHECK_SAYS("the handle was made in context #");
  CHECK_OK(cuCtxDestroy_v2(other));
  CHECK_OK(cuCtxDestroy_v2(context));
  CHECK_CODE(product(handle, a, b, c), 1);
  CHECK_OK(cublasDestroy_v2(handle));
  CHECK_CODE(cublasDestroy_v2(handle), 1);
  CHECK_SAYS("is no handle of cuBLAS, or one that was destroyed");
  begin();
  end();
}

extern "C" const int gridstride_simulated_library;

TEST(tell_what_they_are) { CHECK(gridstride_simulated_library == 1); }

TEST(stubs) {
  CHECK_CODE(cublasDgemm_v2(), 15);
  CHECK_SAYS("cublasDgemm_v2: CUBLAS_STATUS_NOT_SUPPORTED (15): not simulated");
}

TEST_MAIN
