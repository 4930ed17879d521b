// Graphs and stream capture: nodes, order, the documented errors.
#include <algorithm>
#include <thread>
#include <tuple>
#include <utility>

#include "check.h"

static CUcontext context;
static CUmodule module;
static CUstream a, b;
static bool checked = false;

static CUfunction kernel(const char* name) {
  CUfunction f = nullptr;
  CHECK_OK(cuModuleGetFunction(&f, module, name));
  return f;
}

static void begin() {
  CHECK_OK(cuInit(0));
  CHECK_OK(cuCtxCreate_v2(&context, 0, 0));
  std::vector<char> image = check::read(std::string(TEST_IMAGES "/driver_kernels") + (checked ? ".checked.so" : ".so"));
  CHECK_OK(cuModuleLoadData(&module, image.data()));
  CHECK_OK(cuStreamCreate(&a, 1));
  CHECK_OK(cuStreamCreate(&b, 1));
}

static void end() {
  CHECK_OK(cuCtxDestroy_v2(context));
  for (const char* what : {"contexts", "allocations", "modules", "streams", "events", "graphs"}) {
    if (gridstride_sim_count(what) != 0) check::fail(__FILE__, __LINE__, std::string("left over: ") + what);
  }
}

template <class... A>
static int launch(CUstream stream, const char* name, unsigned block, A... arguments) {
  void* parameters[] = {&arguments..., nullptr};
  return cuLaunchKernel(kernel(name), 1, 1, 1, block, 1, 1, 0, stream, parameters, nullptr);
}

// The parameters of a kernel node; they live as long as this does.
template <class... A>
struct Node {
  std::tuple<A...> values;
  void* places[sizeof...(A) + 1];
  CUDA_KERNEL_NODE_PARAMS p{};
  Node(const char* name, unsigned block, A... arguments) : values(arguments...) {
    fill(std::index_sequence_for<A...>());
    p.func = kernel(name);
    p.gridDimX = p.gridDimY = p.gridDimZ = p.blockDimY = p.blockDimZ = 1;
    p.blockDimX = block;
    p.kernelParams = places;
  }
  template <size_t... I>
  void fill(std::index_sequence<I...>) {
    ((places[I] = &std::get<I>(values)), ...);
  }
};

static CUdeviceptr floats(int n, float v) {
  CUdeviceptr p = 0;
  CHECK_OK(cuMemAlloc_v2(&p, static_cast<size_t>(n) * 4));
  std::vector<float> host(static_cast<size_t>(n), v);
  CHECK_OK(cuMemcpyHtoD_v2(p, host.data(), host.size() * 4));
  return p;
}

static float at(CUdeviceptr p) {
  float v = 0;
  CHECK_OK(cuMemcpyDtoH_v2(&v, p, 4));
  return v;
}

static CUDA_MEMCPY3D device_copy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  CUDA_MEMCPY3D c{};
  c.srcMemoryType = c.dstMemoryType = 2;
  c.srcDevice = from;
  c.dstDevice = to;
  c.WidthInBytes = bytes;
  c.Height = c.Depth = 1;
  return c;
}

TEST(capture_and_replay) {
  begin();
  CUdeviceptr x = floats(4, 0), y = floats(4, 1);
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  int status = 0;
  CHECK_OK(cuStreamIsCapturing(a, &status));
  CHECK(status == 1);
  CHECK_OK(launch(a, "axpy", 4, y, x, 1.0f, 4));
  CHECK_OK(cuMemsetD32Async(x, 0x40000000, 4, a));  // 2.0f
  CHECK_OK(cuMemcpyDtoDAsync_v2(x + 8, y, 4, a));
  CUgraph graph;
  CHECK_OK(cuStreamEndCapture(a, &graph));
  CHECK(gridstride_sim_count("launches") == 0 || at(y) == 1);  // nothing has run
  size_t n = 0;
  CHECK_OK(cuGraphGetNodes(graph, nullptr, &n));
  CHECK(n == 3);
  CUgraphNode nodes[3];
  CHECK_OK(cuGraphGetNodes(graph, nodes, &n));
  int type[3];
  for (int i = 0; i < 3; i++) CHECK_OK(cuGraphNodeGetType(nodes[i], &type[i]));
  CHECK(type[0] == 0 && type[1] == 2 && type[2] == 1);
  CHECK_OK(cuGraphGetEdges(graph, nullptr, nullptr, &n));
  CHECK(n == 2);
  CUgraphExec exec;
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  CHECK_OK(cuGraphDestroy(graph));
  for (int i = 0; i < 3; i++) CHECK_OK(cuGraphLaunch(exec, a));
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(at(y) == 5);
  CHECK(at(x) == 2);
  CHECK(at(x + 8) == 5);
  CHECK_OK(cuGraphExecDestroy(exec));
  CHECK_CODE(cuGraphLaunch(exec, a), 400);
  end();
}

TEST(fork_and_join) {
  begin();
  CUdeviceptr x = floats(4, 0), y = floats(4, 0), z = floats(4, 0);
  CUevent forked, joined;
  CHECK_OK(cuEventCreate(&forked, 2));
  CHECK_OK(cuEventCreate(&joined, 2));
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_OK(launch(a, "set", 4, x, 3.0f, 4));
  CHECK_OK(cuEventRecord(forked, a));
  CHECK_OK(cuStreamWaitEvent(b, forked, 0));
  CHECK_OK(launch(b, "copy", 4, y, x, 4));
  CHECK_OK(launch(a, "copy", 4, z, x, 4));
  CHECK_OK(cuEventRecord(joined, b));
  CHECK_OK(cuStreamWaitEvent(a, joined, 0));
  CHECK_OK(launch(a, "axpy", 4, z, y, 1.0f, 4));
  CUgraph graph;
  CHECK_OK(cuStreamEndCapture(a, &graph));
  size_t edges = 0;
  CHECK_OK(cuGraphGetEdges(graph, nullptr, nullptr, &edges));
  CHECK(edges == 4);
  CUgraphExec exec;
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  CHECK_OK(cuGraphLaunch(exec, b));
  CHECK_OK(cuStreamSynchronize(b));
  CHECK(at(z) == 6);
  CHECK_CODE(cuEventQuery(forked), 907);
  CHECK_OK(cuGraphExecDestroy(exec));
  CHECK_OK(cuGraphDestroy(graph));
  end();
}

TEST(errors_of_captures) {
  begin();
  CUdeviceptr x = floats(4, 0), p;
  CUgraph graph = nullptr;
  CUevent e, outside;
  CUstream blocking;
  CHECK_OK(cuEventCreate(&e, 2));
  CHECK_OK(cuEventCreate(&outside, 2));
  CHECK_OK(cuStreamCreate(&blocking, 0));
  CHECK_CODE(cuStreamEndCapture(a, &graph), 401);
  CHECK_CODE(cuStreamBeginCapture_v2(nullptr, 0), 900);
  // Synchronising breaks it.
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_CODE(cuStreamBeginCapture_v2(a, 0), 401);
  CHECK_CODE(cuStreamSynchronize(a), 900);
  CHECK_CODE(launch(a, "set", 1, x, 1.0f, 1), 901);
  int status = 0;
  CHECK_OK(cuStreamIsCapturing(a, &status));
  CHECK(status == 2);
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  CHECK(graph == nullptr);
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_CODE(cuCtxSynchronize(), 900);
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  // So does a query, an allocation, a copy of pageable memory.
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_CODE(cuStreamQuery(a), 900);
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_CODE(cuMemAlloc_v2(&p, 64), 900);
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(a, 2));  // relaxed: does not mind, nor does a thread that is
  int mode = 2;
  CHECK_OK(cuThreadExchangeStreamCaptureMode(&mode));
  CHECK(mode == 0);
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  CHECK_OK(cuThreadExchangeStreamCaptureMode(&mode));
  CHECK_OK(cuStreamEndCapture(a, &graph));
  CHECK_OK(cuGraphDestroy(graph));
  float host = 1;
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_CODE(cuMemcpyHtoDAsync_v2(x, &host, 4, a), 900);
  CHECK_SAYS("pin it");
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  // The legacy stream, while a blocking stream is captured.
  CHECK_OK(cuStreamBeginCapture_v2(blocking, 0));
  CHECK_CODE(launch(nullptr, "set", 1, x, 1.0f, 1), 906);
  CHECK_CODE(cuStreamEndCapture(blocking, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(blocking, 0));
  CHECK_CODE(cuMemcpyHtoD_v2(x, &host, 4), 906);
  CHECK_CODE(cuStreamEndCapture(blocking, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));  // a non-blocking one does not concern it
  CHECK_OK(launch(nullptr, "set", 1, x, 1.0f, 1));
  CHECK_OK(cuStreamEndCapture(a, &graph));
  CHECK_OK(cuGraphDestroy(graph));
  // Unjoined.
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_OK(cuEventRecord(e, a));
  CHECK_OK(cuStreamWaitEvent(b, e, 0));
  CHECK_OK(launch(b, "set", 1, x, 1.0f, 1));
  CHECK_CODE(cuStreamEndCapture(b, &graph), 903);
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_OK(cuEventRecord(e, a));
  CHECK_OK(cuStreamWaitEvent(b, e, 0));
  CHECK_OK(launch(b, "set", 1, x, 1.0f, 1));
  CHECK_CODE(cuStreamEndCapture(a, &graph), 904);
  CHECK_SAYS("does not wait for the work that was captured in stream #");
  // Isolation, merge, captured event, wrong thread.
  CHECK_OK(cuEventRecord(outside, b));
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_CODE(cuStreamWaitEvent(a, outside, 0), 905);
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));
  CHECK_OK(cuStreamBeginCapture_v2(b, 0));
  CHECK_OK(cuEventRecord(e, a));
  CHECK_CODE(cuEventSynchronize(e), 907);
  CHECK_CODE(cuStreamWaitEvent(b, e, 0), 902);
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  CHECK_CODE(cuStreamEndCapture(b, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(a, 1));
  std::thread([&] {
    CHECK_OK(cuCtxSetCurrent(context));
    CUgraph g;
    CHECK_CODE(cuStreamEndCapture(a, &g), 908);
  }).join();
  CHECK_CODE(cuStreamEndCapture(a, &graph), 901);
  CHECK_OK(cuStreamBeginCapture_v2(a, 0));  // and after all that
  CHECK_OK(launch(a, "set", 1, x, 7.0f, 1));
  CHECK_OK(cuStreamEndCapture(a, &graph));
  CHECK_OK(cuGraphDestroy(graph));
  end();
}

TEST(nodes_by_hand) {
  begin();
  CUdeviceptr x = floats(4, 1), y = floats(4, 0);
  CUgraph graph, clone;
  CUgraphNode fill, set, copy, host, nothing, extra;
  CHECK_OK(cuGraphCreate(&graph, 0));
  CUDA_MEMSET_NODE_PARAMS zero{y, 0, 0, 4, 4, 1};
  CHECK_OK(cuGraphAddMemsetNode(&fill, graph, nullptr, 0, &zero, context));
  Node set_x("set", 4, x, 4.0f, 4);
  CHECK_OK(cuGraphAddKernelNode_v2(&set, graph, &fill, 1, &set_x.p));
  CUDA_MEMCPY3D c = device_copy(y, x, 16);
  CHECK_OK(cuGraphAddMemcpyNode(&copy, graph, &set, 1, &c, context));
  static int called;
  called = 0;
  CUDA_HOST_NODE_PARAMS h{[](void* n) { ++*static_cast<int*>(n); }, &called};
  CHECK_OK(cuGraphAddHostNode(&host, graph, &copy, 1, &h));
  CHECK_OK(cuGraphAddEmptyNode(&nothing, graph, nullptr, 0));
  size_t n = 0;
  CHECK_OK(cuGraphGetRootNodes(graph, nullptr, &n));
  CHECK(n == 2);
  CHECK_OK(cuGraphAddDependencies(graph, &host, &nothing, 1));
  CHECK_CODE(cuGraphAddDependencies(graph, &host, &nothing, 1), 1);
  CHECK_OK(cuGraphGetRootNodes(graph, nullptr, &n));
  CHECK(n == 1);
  // A cycle is found when the graph is instantiated.
  CUgraphExec exec;
  CHECK_OK(cuGraphAddDependencies(graph, &nothing, &fill, 1));
  CHECK_CODE(cuGraphInstantiateWithFlags(&exec, graph, 0), 1);
  CHECK_SAYS("cycle");
  CHECK_OK(cuGraphRemoveDependencies(graph, &nothing, &fill, 1));
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  CHECK_OK(cuGraphLaunch(exec, a));
  CHECK(called == 0);
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(called == 1);
  CHECK(at(y) == 4);
  // Other parameters for the executable graph alone.
  Node set_more("set", 4, x, 9.0f, 4);
  CHECK_OK(cuGraphExecKernelNodeSetParams_v2(exec, set, &set_more.p));
  CHECK_CODE(cuGraphExecKernelNodeSetParams_v2(exec, copy, &set_more.p), 1);
  CHECK_OK(cuGraphLaunch(exec, a));
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(at(y) == 9);
  // The whole of it from a graph of the same shape; not of another.
  CHECK_OK(cuGraphExecUpdate_v2(exec, graph, nullptr));
  CHECK_OK(cuGraphLaunch(exec, a));
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(at(y) == 4);
  CHECK_OK(cuGraphClone(&clone, graph));
  CHECK_OK(cuGraphAddEmptyNode(&extra, clone, nullptr, 0));
  CHECK_CODE(cuGraphExecUpdate_v2(exec, clone, nullptr), 910);
  // A child graph in line.
  CUgraph outer;
  CUgraphNode first, inner, last;
  CUgraphExec nested;
  CHECK_OK(cuGraphCreate(&outer, 0));
  Node set_y("set", 4, y, 1.0f, 4);
  Node add("axpy", 4, y, x, 1.0f, 4);
  CHECK_OK(cuGraphAddKernelNode_v2(&first, outer, nullptr, 0, &set_y.p));
  CHECK_OK(cuGraphAddChildGraphNode(&inner, outer, &first, 1, graph));
  CHECK_OK(cuGraphAddKernelNode_v2(&last, outer, &inner, 1, &add.p));
  CHECK_OK(cuGraphInstantiateWithFlags(&nested, outer, 0));
  CHECK_OK(cuGraphLaunch(nested, a));
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(at(y) == 8);
  CHECK(called == 4);
  CHECK_OK(cuGraphDestroyNode(last));
  CHECK_CODE(cuGraphDestroyNode(last), 400);
  // Freed memory is found before anything runs.
  CHECK_OK(cuMemFree_v2(x));
  CHECK_CODE(cuGraphLaunch(exec, a), 1);
  CHECK_SAYS("freed by cuMemFree_v2");
  for (CUgraph g : {graph, clone, outer}) CHECK_OK(cuGraphDestroy(g));
  for (CUgraphExec e : {exec, nested}) CHECK_OK(cuGraphExecDestroy(e));
  end();
}

// A dependency that is missing shows under some seed, and only there.
TEST(seeds_and_missing_edges) {
  int right = 0, wrong = 0;
  for (int seed = 1; seed <= 20; seed++) {
    begin();
    CHECK_OK(gridstride_sim_set("seed", std::to_string(seed).c_str()));
    CUdeviceptr x = floats(4, 1), y = floats(4, 0);
    CUgraph graph;
    CUgraphNode set, copy;
    CUgraphExec exec;
    CHECK_OK(cuGraphCreate(&graph, 0));
    Node set_x("set", 4, x, 4.0f, 4);
    Node copy_x("copy", 4, y, x, 4);
    CHECK_OK(cuGraphAddKernelNode_v2(&set, graph, nullptr, 0, &set_x.p));
    CHECK_OK(cuGraphAddKernelNode_v2(&copy, graph, nullptr, 0, &copy_x.p));  // should depend on `set`
    CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    CHECK_OK(cuGraphLaunch(exec, a));
    CHECK_OK(cuStreamSynchronize(a));
    (at(y) == 4 ? right : wrong)++;
    CHECK_OK(cuGraphExecDestroy(exec));
    CHECK_OK(cuGraphDestroy(graph));
    end();
  }
  CHECK(right > 0 && wrong > 0);
  CHECK_OK(gridstride_sim_set("seed", "0"));
}

// What remains is what launching costs: nothing runs, and what waits goes on.
TEST(empty_launches) {
  begin();
  CUdeviceptr x = floats(4, 1);
  CUgraph graph;
  CUgraphNode node;
  CUgraphExec exec;
  CHECK_OK(cuGraphCreate(&graph, 0));
  Node set_x("set", 4, x, 4.0f, 4);
  CHECK_OK(cuGraphAddKernelNode_v2(&node, graph, nullptr, 0, &set_x.p));
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  CHECK_OK(gridstride_sim_set("empty_launches", "1"));
  CHECK_OK(cuGraphLaunch(exec, a));
  CHECK_OK(launch(a, "set", 4, x, 5.0f, 4));
  CHECK(gridstride_sim_count("pending") == 2);
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(at(x) == 1);
  CHECK_OK(gridstride_sim_set("empty_launches", "0"));
  CHECK_OK(cuGraphLaunch(exec, a));
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(at(x) == 4);
  CHECK_OK(cuGraphExecDestroy(exec));
  CHECK_OK(cuGraphDestroy(graph));
  end();
}

TEST_MAIN
