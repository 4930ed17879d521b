// Work that nothing orders: in checked mode it is found and named in any order of running, and right programs are left alone.
#include "check.h"

static CUcontext context;
static CUmodule module;
static CUstream a, b;

static CUfunction kernel(const char* name) {
  CUfunction f = nullptr;
  CHECK_OK(cuModuleGetFunction(&f, module, name));
  return f;
}

static void begin(int seed) {
  CHECK_OK(gridstride_sim_set("checked", "1"));
  CHECK_OK(gridstride_sim_set("seed", std::to_string(seed).c_str()));
  CHECK_OK(cuInit(0));
  CHECK_OK(cuCtxCreate_v2(&context, 0, 0));
  std::vector<char> image = check::read(TEST_IMAGES "/driver_kernels.checked.so");
  CHECK_OK(cuModuleLoadData(&module, image.data()));
  CHECK_OK(cuStreamCreate(&a, 1));
  CHECK_OK(cuStreamCreate(&b, 1));
}

static void end() {
  CHECK_OK(cuCtxDestroy_v2(context));
  CHECK(gridstride_sim_count("unordered") == 0);
  CHECK_OK(gridstride_sim_set("seed", "0"));
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

template <class... A>
static int launch(CUstream stream, CUfunction f, A... arguments) {
  void* parameters[] = {&arguments..., nullptr};
  return cuLaunchKernel(f, 1, 1, 1, 4, 1, 1, 0, stream, parameters, nullptr);
}

static CUdeviceptr floats(int n, float v) {
  CUdeviceptr p = 0;
  CHECK_OK(cuMemAlloc_v2(&p, static_cast<size_t>(n) * 4));
  std::vector<float> host(static_cast<size_t>(n), v);
  CHECK_OK(cuMemcpyHtoD_v2(p, host.data(), host.size() * 4));
  return p;
}

TEST(missing_event_wait) {
  for (int seed = 0; seed < 6; seed++) {
    begin(seed);
    CUdeviceptr x = floats(4, 1), y = floats(4, 0);
    CUfunction set = kernel("set"), copy = kernel("copy");
    CHECK_OK(launch(a, set, x, 2.0f, 4));
    CHECK_OK(launch(b, copy, y, x, 4));
    CHECK_CODE(cuCtxSynchronize(), 719);
    CHECK_SAYS("race between unordered work");
    CHECK_SAYS("kernel set (driver_kernels.cu:");
    CHECK_SAYS("kernel copy (driver_kernels.cu:");
    CHECK_SAYS("in stream #");
    CHECK_SAYS("allocation #");
    end();
  }
}

TEST(event_wait) {
  for (int seed = 0; seed < 6; seed++) {
    begin(seed);
    CUevent e;
    CHECK_OK(cuEventCreate(&e, 2));
    CUdeviceptr x = floats(4, 1), y = floats(4, 0);
    CUfunction set = kernel("set"), copy = kernel("copy");
    for (int i = 0; i < 3; i++) {
      CHECK_OK(launch(a, set, x, 2.0f, 4));
      CHECK_OK(cuEventRecord(e, a));
      CHECK_OK(cuStreamWaitEvent(b, e, 0));
      CHECK_OK(launch(b, copy, y, x, 4));
      CHECK_OK(cuEventRecord(e, b));
      CHECK_OK(cuStreamWaitEvent(a, e, 0));
    }
    CHECK_OK(cuCtxSynchronize());
    end();
  }
}

TEST(the_host_orders) {
  for (int seed = 0; seed < 6; seed++) {
    begin(seed);
    CUdeviceptr x = floats(4, 1), y = floats(4, 0), z = floats(4, 0);
    CUfunction set = kernel("set"), copy = kernel("copy");
    CHECK_OK(launch(b, set, z, 2.0f, 4));  // stays pending meanwhile
    CHECK_OK(launch(a, set, x, 2.0f, 4));
    CHECK_OK(cuStreamSynchronize(a));
    CHECK_OK(launch(b, copy, y, x, 4));
    CHECK_OK(launch(a, copy, x, x, 0));
    CHECK_OK(cuCtxSynchronize());
    // But it does not order what was issued before it waited.
    CHECK_OK(launch(b, copy, y, x, 4));
    CHECK_OK(launch(a, set, x, 3.0f, 4));
    CHECK_CODE(seed == 0 ? cuStreamSynchronize(a) | cuStreamSynchronize(b) : cuCtxSynchronize(), 719);
    end();
  }
}

TEST(readers_do_not_mind_readers) {
  begin(3);
  CUdeviceptr x = floats(4, 1), y = floats(4, 0), z = floats(4, 0);
  CUfunction copy = kernel("copy");
  CHECK_OK(launch(a, copy, y, x, 4));
  CHECK_OK(launch(b, copy, z, x, 4));
  CHECK_OK(cuCtxSynchronize());
  end();
}

TEST(parts_of_one_allocation) {
  begin(3);
  CUdeviceptr arena = floats(16, 1);
  CUfunction set = kernel("set");
  CHECK_OK(launch(a, set, arena, 2.0f, 4));
  CHECK_OK(launch(b, set, arena + 16, 2.0f, 4));
  CHECK_OK(cuCtxSynchronize());
  CHECK_OK(launch(a, set, arena, 2.0f, 4));
  CHECK_OK(launch(b, set, arena + 12, 2.0f, 4));
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("(byte 12 of allocation #");
  end();
}

TEST(copies_and_fills_count) {
  begin(0);
  CUdeviceptr x = floats(4, 1), y = floats(4, 1);
  CHECK_OK(cuMemsetD32Async(x, 0, 4, a));
  CHECK_OK(cuMemcpyDtoDAsync_v2(y, x, 16, b));
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("memset of 16 bytes");
  CHECK_SAYS("copy of 16 bytes");
  end();
  begin(0);
  x = floats(4, 1);
  CHECK_OK(cuMemsetD32Async(x, 0, 4, a));
  CHECK_OK(cuMemFreeAsync(x, b));
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("stream-ordered free");
  end();
}

TEST(missing_edge_of_a_graph) {
  for (int edge = 0; edge < 2; edge++) {
    begin(0);
    CUdeviceptr x = floats(4, 1), y = floats(4, 0);
    CUgraph graph;
    CUgraphNode set, copy;
    CUgraphExec exec;
    float v = 2;
    int n = 4;
    void* set_parameters[] = {&x, &v, &n};
    void* copy_parameters[] = {&y, &x, &n};
    CUDA_KERNEL_NODE_PARAMS p{kernel("set"), 1, 1, 1, 4, 1, 1, 0, set_parameters, nullptr, nullptr, nullptr};
    CHECK_OK(cuGraphCreate(&graph, 0));
    CHECK_OK(cuGraphAddKernelNode_v2(&set, graph, nullptr, 0, &p));
    p.func = kernel("copy");
    p.kernelParams = copy_parameters;
    CHECK_OK(cuGraphAddKernelNode_v2(&copy, graph, edge == 1 ? &set : nullptr, static_cast<size_t>(edge), &p));
    CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    CHECK_OK(cuGraphLaunch(exec, a));
    CHECK_OK(cuGraphLaunch(exec, a));
    CHECK_CODE(cuStreamSynchronize(a), edge == 1 ? 0 : 719);
    if (edge == 0) {
      CHECK_SAYS("node 0 of a graph");
      CHECK_SAYS("node 1 of a graph");
    }
    CHECK_OK(cuGraphExecDestroy(exec));
    CHECK_OK(cuGraphDestroy(graph));
    end();
  }
}

// Found also where the other stream's work had long run when the second was issued.
TEST(late_rival) {
  begin(0);
  CUdeviceptr x = floats(4, 1), y = floats(4, 0);
  CUfunction set = kernel("set"), copy = kernel("copy"), nothing = kernel("nothing");
  CHECK_OK(launch(a, set, x, 2.0f, 4));
  for (int i = 0; i < 5000; i++) {
    CHECK_OK(cuLaunchKernel(nothing, 1, 1, 1, 1, 1, 1, 0, a, nullptr, nullptr));  // fills the queue: the first has run
  }
  CHECK(gridstride_sim_count("pending") < 5000);
  CHECK_OK(launch(b, copy, y, x, 4));
  CHECK_CODE(cuCtxSynchronize(), 719);
  end();
}

// A host that is always ahead: something is pending whenever it waits. What is over is forgotten all the same, and a
// race that comes late is found.
TEST(host_that_is_always_ahead) {
  for (int seed = 0; seed < 3; seed++) {
    begin(seed);
    CUdeviceptr x = floats(4, 1), y = floats(4, 0);
    CUfunction set = kernel("set"), copy = kernel("copy");
    CUevent marks[2];
    for (CUevent& mark : marks) {
      CHECK_OK(cuEventCreate(&mark, 2));
      CHECK_OK(cuEventRecord(mark, a));
    }
    for (int i = 0; i < 2000; i++) {
      CHECK_OK(launch(a, set, x, 2.0f, 4));
      CHECK_OK(cuEventRecord(marks[i % 2], a));
      CHECK_OK(cuEventSynchronize(marks[(i + 1) % 2]));
      CHECK(gridstride_sim_count("unordered") < 20);
    }
    CHECK_OK(launch(b, copy, y, x, 4));
    CHECK_CODE(cuCtxSynchronize(), 719);
    CHECK_SAYS("race between unordered work");
    for (CUevent mark : marks) cuEventDestroy_v2(mark);
    end();
  }
}

TEST(legacy_stream) {
  begin(2);
  CUstream blocking;
  CHECK_OK(cuStreamCreate(&blocking, 0));
  CUdeviceptr x = floats(4, 1), y = floats(4, 0);
  CUfunction set = kernel("set"), copy = kernel("copy");
  CHECK_OK(launch(blocking, set, x, 2.0f, 4));
  CHECK_OK(launch(nullptr, copy, y, x, 4));
  CHECK_OK(launch(blocking, set, x, 2.0f, 4));
  CHECK_OK(cuCtxSynchronize());
  CHECK_OK(launch(a, set, x, 2.0f, 4));
  CHECK_OK(launch(nullptr, copy, y, x, 4));  // does not wait for a non-blocking stream
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("the legacy default stream");
  end();
}

TEST_MAIN
