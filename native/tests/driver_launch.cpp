// Modules, launches, streams, events, errors that stay with a context; with plain and checked images.
#include <chrono>
#include <thread>

#include "check.h"

static CUcontext context;
static CUmodule module;
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
}

static void end() {
  CHECK_OK(cuCtxDestroy_v2(context));
  for (const char* what : {"contexts", "allocations", "modules", "streams", "events", "graphs"}) {
    if (gridstride_sim_count(what) != 0) check::fail(__FILE__, __LINE__, std::string("left over: ") + what);
  }
  CHECK_OK(gridstride_sim_set("seed", "0"));
}

template <class... A>
static int launch(CUstream stream, const char* name, unsigned grid, unsigned block, A... a) {
  void* parameters[] = {&a..., nullptr};
  return cuLaunchKernel(kernel(name), grid, 1, 1, block, 1, 1, 0, stream, parameters, nullptr);
}

static CUdeviceptr floats(int n, float v) {
  CUdeviceptr p = 0;
  CHECK_OK(cuMemAlloc_v2(&p, static_cast<size_t>(n) * 4));
  std::vector<float> host(static_cast<size_t>(n), v);
  CHECK_OK(cuMemcpyHtoD_v2(p, host.data(), host.size() * 4));
  return p;
}

// The first and last of n floats, both v?
static bool are(CUdeviceptr p, int n, float v) {
  std::vector<float> host(static_cast<size_t>(n));
  CHECK_OK(cuMemcpyDtoH_v2(host.data(), p, host.size() * 4));
  for (float x : host) {
    if (x != v) return false;
  }
  return true;
}

static void axpy_runs() {
  begin();
  CUdeviceptr x = floats(1000, 3), y = floats(1000, 1);
  CHECK_OK(launch(nullptr, "axpy", 4, 256, y, x, 2.0f, 1000));
  CHECK_OK(cuCtxSynchronize());
  CHECK(are(y, 1000, 7));
  end();
}

TEST(plain) {
  checked = false;
  axpy_runs();
}

TEST(with_checker) {
  checked = true;
  axpy_runs();
  checked = false;
}

TEST(packed_parameters) {
  begin();
  struct {
    CUdeviceptr out;
    char c;
    struct {
      char tag;
      double value;
    } p;
    short s;
    long long l;
  } a = {0, 1, {2, 2.5}, -3, 1LL << 40};
  CHECK_OK(cuMemAlloc_v2(&a.out, 40));
  size_t bytes = sizeof a;
  void* extra[] = {reinterpret_cast<void*>(1), &a, reinterpret_cast<void*>(2), &bytes, nullptr};
  CHECK_OK(cuLaunchKernel(kernel("mixed"), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra));
  double out[5];
  CHECK_OK(cuMemcpyDtoH_v2(out, a.out, 40));
  CHECK(out[0] == 1 && out[1] == 2 && out[2] == 2.5 && out[3] == -3 && out[4] == static_cast<double>(1LL << 40));
  bytes -= 4;
  CHECK_CODE(cuLaunchKernel(kernel("mixed"), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra), 1);
  CHECK_SAYS("44 bytes of parameters given, 48 expected");
  size_t offset, size;
  CHECK_OK(cuFuncGetParamInfo(kernel("mixed"), 2, &offset, &size));
  CHECK(offset == 16 && size == 16);
  CHECK_CODE(cuFuncGetParamInfo(kernel("mixed"), 5, &offset, &size), 1);
  end();
}

TEST(limits_of_a_launch) {
  begin();
  CUdeviceptr y = floats(1024, 0);
  CHECK_CODE(launch(nullptr, "set", 0, 1, y, 0.0f, 0), 1);
  CHECK_SAYS("no extent may be 0");
  CHECK_CODE(launch(nullptr, "set", 1, 1025, y, 0.0f, 0), 1);
  CHECK_SAYS("block.x is 1025");
  void* parameters[] = {&y};
  CHECK_CODE(cuLaunchKernel(kernel("bounded"), 1, 1, 1, 1, 1, 65, 0, nullptr, parameters, nullptr), 1);
  CHECK_SAYS("block.z is 65");
  CHECK_CODE(cuLaunchKernel(kernel("bounded"), 1, 70000, 1, 1, 1, 1, 0, nullptr, parameters, nullptr), 1);
  CHECK_SAYS("grid.y is 70000");
  CHECK_CODE(cuLaunchKernel(kernel("nothing"), 1, 1, 1, 64, 32, 1, 0, nullptr, nullptr, nullptr), 1);
  CHECK_SAYS("2048 threads a block");
  CHECK_CODE(launch(nullptr, "bounded", 1, 129, y), 701);
  CHECK_SAYS("__launch_bounds__ promises at most 128");
  CHECK_SAYS("kernel bounded (driver_kernels.cu:");
  CHECK_OK(launch(nullptr, "bounded", 1, 128, y));
  CHECK_CODE(cuLaunchKernel(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), 400);
  CHECK_CODE(cuLaunchKernel(kernel("set"), 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), 1);
  CHECK_SAYS("takes 3 parameters, none given");
  CHECK_OK(cuCtxSynchronize());
  end();
}

TEST(dynamic_shared_memory) {
  begin();
  CUdeviceptr y = floats(256, 0);
  float host[256];
  for (int i = 0; i < 256; i++) host[i] = static_cast<float>(i);
  CHECK_OK(cuMemcpyHtoD_v2(y, host, 1024));
  int n = 256;
  void* parameters[] = {&y, &n};
  CUfunction f = kernel("reverse");
  CHECK_OK(cuLaunchKernel(f, 1, 1, 1, 256, 1, 1, 1024, nullptr, parameters, nullptr));
  CHECK_OK(cuMemcpyDtoH_v2(host, y, 1024));
  CHECK(host[0] == 255 && host[255] == 0);
  CHECK_CODE(cuLaunchKernel(f, 1, 1, 1, 256, 1, 1, 50000, nullptr, parameters, nullptr), 1);
  CHECK_SAYS("at most 49152");
  CHECK_CODE(cuFuncSetAttribute(f, 8, 240000), 1);
  CHECK_OK(cuFuncSetAttribute(f, 8, 200000));
  int most = 0;
  CHECK_OK(cuFuncGetAttribute(&most, 8, f));
  CHECK(most == 200000);
  CHECK_OK(cuLaunchKernel(f, 1, 1, 1, 256, 1, 1, 200000, nullptr, parameters, nullptr));
  CHECK_OK(cuMemcpyDtoH_v2(host, y, 1024));
  CHECK(host[0] == 0 && host[255] == 255);
  int blocks = 0;
  CHECK_OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, f, 256, 0));
  CHECK(blocks == 8);
  CHECK_OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, f, 256, 100000));
  CHECK(blocks == 2);
  end();
}

TEST(pointers_are_live) {
  begin();
  CUdeviceptr y = floats(16, 0), x = floats(16, 0);
  CHECK_OK(cuMemFree_v2(x));
  CHECK_CODE(launch(nullptr, "axpy", 1, 16, y, x, 1.0f, 16), 1);
  CHECK_SAYS("kernel axpy (driver_kernels.cu:");
  CHECK_SAYS("parameter 1 is no live pointer");
  CHECK_SAYS("freed by cuMemFree_v2");
  CHECK_CODE(launch(nullptr, "axpy", 1, 16, y, CUdeviceptr{4096}, 1.0f, 16), 1);
  CHECK_OK(launch(nullptr, "axpy", 1, 16, y, CUdeviceptr{0}, 1.0f, 0));  // null: an optional input that is absent
  CHECK_OK(cuCtxSynchronize());
  end();
}

TEST(images_that_are_none) {
  begin();
  CUmodule m;
  char log[300] = "?";
  int options[] = {5, 6};
  void* values[] = {log, reinterpret_cast<void*>(300)};
  char text[80] = ".version 8.0\n.target sm_90\n";
  CHECK_CODE(cuModuleLoadDataEx(&m, text, 2, options, values), 200);
  CHECK(std::strstr(log, "PTX") != nullptr);
  unsigned char elf[80] = {0x7f, 'E', 'L', 'F', 2, 1};
  elf[18] = 190;
  CHECK_CODE(cuModuleLoadData(&m, elf), 209);
  CHECK_SAYS("cubin");
  elf[18] = 243;
  CHECK_CODE(cuModuleLoadData(&m, elf), 209);
  CHECK_CODE(cuModuleLoadData(&m, nullptr), 1);
  // A library that is no image, and that stays loaded for ever: the next image must not be taken for it.
  std::vector<char> other = check::read(SIMULATED_DEVICE), good = check::read(TEST_IMAGES "/driver_kernels.so");
  CHECK(!other.empty());
  CHECK_CODE(cuModuleLoadData(&m, other.data()), 200);
  CHECK_SAYS("no table of kernels");
  CHECK_OK(cuModuleLoadData(&m, good.data()));
  CHECK_OK(cuModuleUnload(m));
  CUfunction f;
  CHECK_CODE(cuModuleGetFunction(&f, module, "axpi"), 500);
  CHECK_SAYS("axpy");
  CUmodule stale = module;
  CHECK_OK(cuModuleUnload(module));
  CHECK_CODE(cuModuleUnload(stale), 400);
  end();
}

TEST(variables_of_a_module) {
  begin();
  CUdeviceptr v, y = floats(4, 3);
  size_t bytes = 0;
  CHECK_OK(cuModuleGetGlobal_v2(&v, &bytes, module, "factor"));
  CHECK(bytes == 4);
  float f = 5;
  CHECK_OK(cuMemcpyHtoD_v2(v, &f, 4));
  CHECK_OK(launch(nullptr, "scale", 1, 4, y, 4));
  CHECK(are(y, 4, 15));
  CHECK_CODE(cuModuleGetGlobal_v2(&v, &bytes, module, "fractor"), 500);
  // A second load has variables of its own.
  CUmodule first = module;
  std::vector<char> image = check::read(TEST_IMAGES "/driver_kernels.so");
  CHECK_OK(cuModuleLoadData(&module, image.data()));
  CHECK_OK(launch(nullptr, "scale", 1, 4, y, 4));
  CHECK(are(y, 4, 30));
  CHECK_OK(cuModuleUnload(first));
  CHECK_OK(launch(nullptr, "scale", 1, 4, y, 4));
  CHECK(are(y, 4, 60));
  end();
}

TEST(many_loads) {
  begin();
  std::vector<char> image = check::read(TEST_IMAGES "/driver_kernels.so");
  for (int i = 0; i < 200; i++) {
    CUmodule m;
    CHECK_OK(cuModuleLoadData(&m, image.data()));
    CHECK_OK(cuModuleUnload(m));
  }
  CHECK(gridstride_sim_count("modules") == 1);
  end();
}

// Nothing runs before somebody waits for it: a missing event wait shows as old data, every time.
TEST(missing_event_wait) {
  begin();
  CUstream a, b;
  CUevent e;
  CHECK_OK(cuStreamCreate(&a, 1));
  CHECK_OK(cuStreamCreate(&b, 1));
  CHECK_OK(cuEventCreate(&e, 2));
  CUdeviceptr x = floats(16, 1), y = floats(16, 0);
  CHECK_OK(launch(a, "set", 1, 16, x, 5.0f, 16));
  CHECK_OK(launch(b, "copy", 1, 16, y, x, 16));
  CHECK_OK(cuStreamSynchronize(b));
  CHECK(are(y, 16, 1));  // wrong data
  CHECK_OK(launch(a, "set", 1, 16, x, 6.0f, 16));
  CHECK_OK(cuEventRecord(e, a));
  CHECK_OK(cuStreamWaitEvent(b, e, 0));
  CHECK_OK(launch(b, "copy", 1, 16, y, x, 16));
  CHECK_OK(cuStreamSynchronize(b));
  CHECK(are(y, 16, 6));
  end();
}

TEST(legacy_stream_orders) {
  begin();
  CUstream a, b;
  CHECK_OK(cuStreamCreate(&a, 0));
  CHECK_OK(cuStreamCreate(&b, 0));
  CUdeviceptr x = floats(16, 1), y = floats(16, 0);
  CHECK_OK(launch(a, "set", 1, 16, x, 5.0f, 16));
  CHECK_OK(launch(nullptr, "copy", 1, 16, y, x, 16));
  CHECK_OK(launch(b, "set", 1, 16, x, 6.0f, 16));
  CHECK_OK(launch(b, "axpy", 1, 16, y, x, 1.0f, 16));
  CHECK_OK(cuStreamSynchronize(b));
  CHECK(are(y, 16, 11));
  end();
}

TEST(queries_end) {
  begin();
  CUstream a;
  CUevent e, f;
  CHECK_OK(cuStreamCreate(&a, 1));
  CHECK_OK(cuEventCreate(&e, 0));
  CHECK_OK(cuEventCreate(&f, 0));
  CUdeviceptr x = floats(16, 1);
  CHECK_OK(cuStreamQuery(a));
  CHECK_OK(cuEventQuery(e));
  float ms = 0;
  CHECK_CODE(cuEventElapsedTime(&ms, e, f), 400);
  CHECK_OK(cuEventRecord(e, a));
  CHECK_OK(launch(a, "set", 1, 16, x, 5.0f, 16));
  CHECK_OK(cuEventRecord(f, a));
  CHECK_CODE(cuEventElapsedTime(&ms, e, f), 600);
  CHECK_CODE(cuStreamQuery(a), 600);
  CHECK_OK(cuStreamQuery(a));
  CHECK_OK(cuEventElapsedTime(&ms, e, f));
  CHECK(ms >= 0);
  CHECK_OK(launch(a, "set", 1, 16, x, 5.0f, 16));
  CHECK_OK(cuEventRecord(f, a));
  CHECK_CODE(cuEventQuery(f), 600);
  CHECK_OK(cuEventQuery(f));
  int least = 1;
  CUstream fast;
  CHECK_OK(cuStreamCreateWithPriority(&fast, 1, -9));
  CHECK_OK(cuStreamGetPriority(fast, &least));
  CHECK(least == -5);
  CHECK_OK(cuStreamDestroy_v2(fast));
  CHECK_CODE(cuStreamDestroy_v2(fast), 400);
  CHECK_CODE(cuStreamDestroy_v2(nullptr), 400);
  CHECK_OK(cuEventDestroy_v2(e));
  CHECK_CODE(cuEventRecord(e, a), 400);
  end();
}

static void count_up(void* data) { ++*static_cast<int*>(data); }
static void call_back(void* data) { *static_cast<int*>(data) = cuCtxSynchronize(); }

TEST(host_functions) {
  begin();
  CUstream a;
  CHECK_OK(cuStreamCreate(&a, 1));
  int n = 0, code = 0;
  CHECK_OK(cuLaunchHostFunc(a, count_up, &n));
  CHECK_OK(cuLaunchHostFunc(a, call_back, &code));
  CHECK(n == 0);
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(n == 1);
  CHECK(code == 800);
  end();
}

TEST(pageable_and_pinned_sources) {
  begin();
  CUstream a;
  CHECK_OK(cuStreamCreate(&a, 1));
  CUdeviceptr x = floats(4, 0);
  float pageable[4] = {1, 1, 1, 1};
  CHECK_OK(cuMemcpyHtoDAsync_v2(x, pageable, 16, a));
  pageable[3] = 2;  // staged at the call: too late to matter
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(are(x, 4, 1));
  void* pinned;
  CHECK_OK(cuMemAllocHost_v2(&pinned, 16));
  float* f = static_cast<float*>(pinned);
  for (int i = 0; i < 4; i++) f[i] = 1;
  CHECK_OK(cuMemcpyHtoDAsync_v2(x, pinned, 16, a));
  for (int i = 0; i < 4; i++) {
    f[i] = 3;  // read when the copy runs: a mistake that shows
  }
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(are(x, 4, 3));
  CHECK_OK(launch(a, "set", 1, 4, x, 9.0f, 4));
  CHECK_OK(cuMemcpyDtoHAsync_v2(pinned, x, 16, a));
  CHECK(f[0] == 3);  // not there yet
  CHECK_OK(cuStreamSynchronize(a));
  CHECK(f[0] == 9);
  CHECK_OK(launch(a, "set", 1, 4, x, 8.0f, 4));
  CHECK_OK(cuMemcpyDtoHAsync_v2(pageable, x, 16, a));  // to pageable memory: has waited
  CHECK(pageable[0] == 8);
  end();
}

TEST(errors_stay_with_the_context) {
  checked = true;
  begin();
  CUdeviceptr y = floats(16, 0);
  CUfunction f = kernel("nothing");
  CHECK_OK(launch(nullptr, "wild", 1, 1, y, 16LL));
  CHECK_CODE(cuCtxSynchronize(), 700);
  CHECK_SAYS("kernel wild");
  CHECK_SAYS("driver_kernels.cu:");
  CHECK_SAYS("past the end of allocation #");
  CUdeviceptr p;
  CHECK_CODE(cuMemAlloc_v2(&p, 64), 700);
  CHECK_CODE(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), 700);
  CHECK_CODE(cuMemFree_v2(y), 700);
  end();
  begin();
  y = floats(16, 0);
  CHECK_OK(launch(nullptr, "set", 1, 16, y, 2.0f, 16));
  CHECK(are(y, 16, 2));
  end();
  checked = false;
}

TEST(what_is_pending_runs_before_a_context_ends) {
  checked = true;
  begin();
  int n = 0;
  CHECK_OK(cuLaunchHostFunc(nullptr, count_up, &n));
  CHECK_OK(cuCtxDestroy_v2(context));
  CHECK(n == 1);
  begin();
  CUdeviceptr y = floats(16, 0);
  CHECK_OK(launch(nullptr, "wild", 1, 1, y, 16LL));
  CHECK_CODE(cuCtxDestroy_v2(context), 700);
  CHECK_SAYS("found by cuCtxDestroy_v2");
  CHECK(gridstride_sim_count("contexts") == 0);
  checked = false;
}

TEST(graph_launch_time) {
  begin();
  CUstream s;
  CHECK_OK(cuStreamCreate(&s, 1));
  CUdeviceptr x = floats(4, 0);
  CUfunction f = kernel("set");
  float v = 1;
  int n = 1;
  void* parameters[] = {&x, &v, &n};
  CHECK_OK(cuStreamBeginCapture_v2(s, 0));
  for (int i = 0; i < 30; i++) CHECK_OK(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, s, parameters, nullptr));
  CUgraph graph;
  CUgraphExec exec;
  CHECK_OK(cuStreamEndCapture(s, &graph));
  CHECK_OK(cuGraphInstantiateWithFlags(&exec, graph, 0));
  double best = 1e9;
  for (int round = 0; round < 20; round++) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; i++) {
      cuGraphLaunch(exec, s);
      cuStreamSynchronize(s);
    }
    best = std::min(best,
                    std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / 100);
  }
  std::printf("     graph of 30 kernels of one thread, launch and wait: %.2f us\n", best);
  CHECK_OK(cuGraphExecDestroy(exec));
  CHECK_OK(cuGraphDestroy(graph));
  end();
}

TEST(seeds_change_the_order) {
  // Two streams that nothing orders write the same word: over many seeds both win.
  bool first = false, second = false;
  for (int seed = 1; seed <= 20; seed++) {
    CHECK_OK(gridstride_sim_set("seed", std::to_string(seed).c_str()));
    begin();
    CHECK_OK(gridstride_sim_set("seed", std::to_string(seed).c_str()));
    CUstream a, b;
    CHECK_OK(cuStreamCreate(&a, 1));
    CHECK_OK(cuStreamCreate(&b, 1));
    CUdeviceptr x = floats(1, 0);
    CHECK_OK(launch(a, "set", 1, 1, x, 1.0f, 1));
    CHECK_OK(launch(b, "set", 1, 1, x, 2.0f, 1));
    CHECK_OK(cuCtxSynchronize());
    first = first || are(x, 1, 1);
    second = second || are(x, 1, 2);
    end();
  }
  CHECK(first && second);
}

TEST(contexts_in_threads) {
  begin();
  CUdeviceptr y = floats(1000, 0);
  std::vector<std::thread> threads;
  CUfunction f = kernel("axpy");
  CUdeviceptr x = floats(1000, 1);
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&] {
      CHECK_OK(cuCtxSetCurrent(context));
      float a = 1;
      int n = 1000;
      void* parameters[] = {&y, &x, &a, &n};
      for (int i = 0; i < 50; i++) {
        CHECK_OK(cuLaunchKernel(f, 4, 1, 1, 256, 1, 1, 0, nullptr, parameters, nullptr));
        if (i % 10 == 0) CHECK_OK(cuStreamSynchronize(nullptr));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(are(y, 1000, 200));
  end();
}

// Not a test of time, but printed: an empty launch and the wait for it.
TEST(empty_launch) {
  begin();
  CUstream s;
  CHECK_OK(cuStreamCreate(&s, 1));
  CUfunction f = kernel("nothing");
  size_t bytes = 0;
  char none = 0;
  void* extra[] = {reinterpret_cast<void*>(1), &none, reinterpret_cast<void*>(2), &bytes, nullptr};
  for (unsigned threads : {1u, 256u}) {
    double best = 1e9;
    for (int round = 0; round < 20; round++) {
      auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < 1000; i++) {
        cuLaunchKernel(f, 1, 1, 1, threads, 1, 1, 0, s, nullptr, extra);
        cuStreamSynchronize(s);
      }
      best = std::min(
          best, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / 1000);
    }
    std::printf("     empty launch and wait, %u threads: %.2f us\n", threads, best);
  }
  end();
}

TEST_MAIN
