// Memory: allocation, limits, copies, fills, messages.
#include <dlfcn.h>

#include "check.h"

static CUcontext context;

static void begin(const char* memory = "1G") {
  CHECK_OK(gridstride_sim_set("memory", memory));
  CHECK_OK(cuInit(0));
  CHECK_OK(cuCtxCreate_v2(&context, 0, 0));
}

static void end() {
  CHECK_OK(cuCtxDestroy_v2(context));
  CHECK(gridstride_sim_count("contexts") == 0);
  CHECK(gridstride_sim_count("allocations") == 0);
}

TEST(not_initialised) {
  CUcontext c;
  CHECK_CODE(cuCtxCreate_v2(&c, 0, 0), 3);
  CHECK_CODE(cuCtxSynchronize(), 3);
}

TEST(no_context) {
  CHECK_OK(cuInit(0));
  CUdeviceptr p;
  CHECK_CODE(cuMemAlloc_v2(&p, 64), 201);
}

TEST(fresh_memory_is_nan) {
  begin();
  CUdeviceptr p;
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  CHECK(p % 256 == 0);
  unsigned v[16] = {};
  CHECK_OK(cuMemcpyDtoH_v2(v, p, 64));
  CHECK(v[0] == 0xFFFFFFFFu && v[15] == 0xFFFFFFFFu);
  end();
}

TEST(memory_of_any_size_is_aligned) {
  begin();
  for (size_t bytes = 1; bytes < (1 << 20); bytes += bytes / 3 + 1) {
    CUdeviceptr p;
    CHECK_OK(cuMemAlloc_v2(&p, bytes));
    CHECK(p % 512 == 0);
  }
  end();
}

TEST(copies_and_fills) {
  begin();
  CUdeviceptr a, b;
  CHECK_OK(cuMemAlloc_v2(&a, 40));
  CHECK_OK(cuMemAlloc_v2(&b, 40));
  int in[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, out[10] = {};
  CHECK_OK(cuMemcpyHtoD_v2(a, in, 40));
  CHECK_OK(cuMemsetD32_v2(b, 7, 10));
  CHECK_OK(cuMemcpyDtoD_v2(b + 8, a, 16));
  CHECK_OK(cuMemsetD8_v2(b + 36, 1, 4));
  CHECK_OK(cuMemcpyDtoH_v2(out, b, 40));
  int expected[10] = {7, 7, 0, 1, 2, 3, 7, 7, 7, 0x01010101};
  CHECK(std::memcmp(out, expected, 40) == 0);
  CHECK_CODE(cuMemsetD32_v2(a + 2, 0, 1), 1);
  end();
}

TEST(out_of_range_is_named) {
  begin();
  CUdeviceptr a;
  char host[200];
  CHECK_OK(cuMemAlloc_v2(&a, 100));
  CHECK_CODE(cuMemcpyDtoH_v2(host, a + 90, 11), 1);
  CHECK_SAYS("bytes 90 to 100 of allocation #");
  CHECK_SAYS("which has 100 bytes");
  CHECK_CODE(cuMemcpyHtoD_v2(a + 100, host, 1), 1);
  CHECK_SAYS("0 bytes past the end of allocation #");
  CHECK_CODE(cuMemsetD8_v2(a, 0, 101), 1);
  CHECK_CODE(cuMemcpyHtoD_v2(0, host, 1), 1);
  CHECK_SAYS("null pointer");
  CHECK_CODE(cuMemcpyHtoD_v2(a, reinterpret_cast<void*>(a), 1), 1);
  CHECK_SAYS("is device memory");
  end();
}

TEST(free_twice_and_wrongly) {
  begin();
  CUdeviceptr a;
  char c;
  CHECK_OK(cuMemAlloc_v2(&a, 100));
  CHECK_CODE(cuMemFree_v2(a + 4), 1);
  CHECK_SAYS("not the beginning");
  CHECK_OK(cuMemFree_v2(a));
  CHECK_CODE(cuMemFree_v2(a), 1);
  CHECK_SAYS("double free of allocation #");
  CHECK_CODE(cuMemcpyDtoH_v2(&c, a, 1), 1);
  CHECK_SAYS("freed by cuMemFree_v2");
  CHECK_CODE(cuMemFree_v2(12345), 1);
  CHECK_OK(cuMemFree_v2(0));
  end();
}

TEST(memory_runs_out) {
  begin("1M");
  CUdeviceptr a, b;
  size_t free, total;
  CHECK_OK(cuMemGetInfo_v2(&free, &total));
  CHECK(free == 1 << 20 && total == 1 << 20);
  CHECK_OK(cuMemAlloc_v2(&a, 600 << 10));
  CHECK_CODE(cuMemAlloc_v2(&b, 600 << 10), 2);
  CHECK_SAYS("614400 bytes asked for, 434176 of 1048576 free");
  CHECK_OK(cuMemFree_v2(a));
  CHECK_OK(cuMemAlloc_v2(&b, 600 << 10));
  CHECK_CODE(cuMemAlloc_v2(&a, 0), 1);
  CHECK_CODE(cuMemAlloc_v2(&a, SIZE_MAX - 5), 2);
  end();
}

TEST(addresses_are_used_again_late) {
  begin();
  CUdeviceptr first, p;
  CHECK_OK(cuMemAlloc_v2(&first, 64));
  CHECK_OK(cuMemFree_v2(first));
  bool again = false;
  for (int i = 0; i < 100; i++) {
    CHECK_OK(cuMemAlloc_v2(&p, 64));
    again = again || p == first;
    CHECK_OK(cuMemFree_v2(p));
  }
  CHECK(!again);
  CUdeviceptr low = first, high = first;
  for (int i = 0; i < 100000; i++) {  // but they are: memory does not grow for ever
    CHECK_OK(cuMemAlloc_v2(&p, 64));
    low = p < low ? p : low;
    high = p > high ? p : high;
    CHECK_OK(cuMemFree_v2(p));
  }
  CHECK(high - low < 8 << 20);
  end();
}

TEST(pinned_memory) {
  begin();
  void* p;
  CUdeviceptr d;
  CHECK_OK(cuMemAlloc_v2(&d, 64));
  CHECK_OK(cuMemAllocHost_v2(&p, 64));
  CHECK(gridstride_sim_count("pinned") == 1);
  unsigned type = 0;
  CHECK_OK(cuPointerGetAttribute(&type, 2, reinterpret_cast<CUdeviceptr>(p)));
  CHECK(type == 1);
  CHECK_OK(cuPointerGetAttribute(&type, 2, d));
  CHECK(type == 2);
  CHECK_CODE(cuMemcpyHtoD_v2(d, static_cast<char*>(p) + 60, 5), 1);
  CHECK_SAYS("source out of range");
  CHECK_CODE(cuMemFree_v2(reinterpret_cast<CUdeviceptr>(p)), 1);
  CHECK_OK(cuMemFreeHost(p));
  CHECK_CODE(cuMemFreeHost(p), 1);
  char own[64];
  CHECK_OK(cuMemHostRegister_v2(own, 64, 0));
  CHECK_CODE(cuMemHostRegister_v2(own, 64, 0), 712);
  CHECK_OK(cuMemHostUnregister(own));
  CHECK_CODE(cuMemHostUnregister(own), 713);
  end();
}

TEST(whose_memory_and_streams_they_are) {
  begin();
  CUcontext own, other, answer;
  CHECK_OK(cuCtxGetCurrent(&own));
  CUdeviceptr p, q, base;
  CUstream stream;
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  CHECK_OK(cuStreamCreate(&stream, 0));
  CHECK_OK(cuCtxCreate_v2(&other, 0, 0));
  CHECK_OK(cuMemAlloc_v2(&q, 64));
  CHECK_OK(cuPointerGetAttribute(&answer, 1, q));
  CHECK(answer == other);
  CHECK_OK(cuPointerGetAttribute(&answer, 1, p + 8));
  CHECK(answer == own);
  size_t bytes = 0;
  CHECK_OK(cuPointerGetAttribute(&base, 11, p + 8));
  CHECK_OK(cuPointerGetAttribute(&bytes, 12, p + 8));
  CHECK(base == p && bytes == 64);
  CHECK_CODE(cuPointerGetAttribute(&answer, 1, p + 64), 1);
  CHECK_SAYS("0 bytes past the end");
  CHECK_OK(cuStreamGetCtx(stream, &answer));
  CHECK(answer == own);
  CHECK_OK(cuStreamGetCtx(nullptr, &answer));
  CHECK(answer == other);
  CHECK_OK(cuCtxPushCurrent_v2(own));
  CHECK_OK(cuStreamGetCtx(reinterpret_cast<CUstream>(1), &answer));
  CHECK(answer == own);
  CUdevice device = -1;
  CHECK_OK(cuCtxGetDevice(&device));
  CHECK(device == 0);
  CHECK_OK(cuMemFree_v2(p));
  CHECK_CODE(cuPointerGetAttribute(&answer, 1, p), 1);
  CHECK_SAYS("freed by");
  CHECK_OK(cuCtxPopCurrent_v2(&answer));
  CHECK(answer == own);
  CHECK_OK(cuCtxDestroy_v2(other));
  CHECK_OK(cuStreamDestroy_v2(stream));
  end();
}

TEST(two_dimensions) {
  begin();
  CUdeviceptr d;
  CHECK_OK(cuMemAlloc_v2(&d, 64));
  CHECK_OK(cuMemsetD8_v2(d, 0, 64));
  char in[6] = {1, 2, 3, 4, 5, 6}, out[64] = {};
  CUDA_MEMCPY2D c{};
  c.srcMemoryType = 1;
  c.srcHost = in;
  c.srcPitch = 3;
  c.dstMemoryType = 2;
  c.dstDevice = d;
  c.dstPitch = 16;
  c.dstXInBytes = 2;
  c.dstY = 1;
  c.WidthInBytes = 3;
  c.Height = 2;
  CHECK_OK(cuMemcpy2D_v2(&c));
  CHECK_OK(cuMemcpyDtoH_v2(out, d, 64));
  CHECK(out[18] == 1 && out[20] == 3 && out[34] == 4 && out[36] == 6 && out[17] == 0 && out[21] == 0);
  c.Height = 4;
  CHECK_CODE(cuMemcpy2D_v2(&c), 1);
  CHECK_SAYS("destination out of range");
  end();
}

TEST(pools) {
  begin();
  CUstream s;
  CUmemoryPool pool;
  CUmemPoolProps properties{};
  properties.allocType = 1;
  properties.location.type = 1;
  properties.maxSize = 1000;
  CUdeviceptr p, q;
  CHECK_OK(cuStreamCreate(&s, 1));
  CHECK_OK(cuMemPoolCreate(&pool, &properties));
  CHECK_OK(cuMemAllocFromPoolAsync(&p, 800, pool, s));
  CHECK_CODE(cuMemAllocFromPoolAsync(&q, 800, pool, s), 2);
  CHECK_OK(cuMemsetD8Async(p, 3, 800, s));
  CHECK_OK(cuMemFreeAsync(p, s));
  CHECK_CODE(cuMemsetD8Async(p, 3, 800, s), 1);
  CHECK_SAYS("used after its cuMemFreeAsync");
  CHECK_CODE(cuMemFreeAsync(p, s), 1);
  CHECK_SAYS("double free");
  CHECK(gridstride_sim_count("allocations") == 1);
  CHECK_OK(cuStreamSynchronize(s));
  CHECK(gridstride_sim_count("allocations") == 0);
  CHECK_OK(cuMemAllocAsync(&q, 64, s));
  CHECK_OK(cuMemFreeAsync(q, s));
  CHECK_OK(cuMemPoolDestroy(pool));
  end();
}

TEST(unset_memory_in_copies) {
  CHECK_OK(gridstride_sim_set("checked", "1"));
  begin();
  CUdeviceptr a, b;
  char host[64] = {};
  CHECK_OK(cuMemAlloc_v2(&a, 64));
  CHECK_OK(cuMemAlloc_v2(&b, 64));
  CHECK_OK(cuMemcpyHtoD_v2(a, host, 60));
  CHECK_OK(cuMemcpyDtoH_v2(host, a, 60));
  CHECK_OK(cuMemcpyDtoD_v2(b, a, 64));
  CHECK_OK(cuMemcpyDtoH_v2(host, b + 4, 56));
  CHECK_CODE(cuMemcpyDtoH_v2(host, b, 64), 719);
  CHECK_SAYS("nothing has written");
  CHECK_SAYS("byte 60 of allocation #");
  end();
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

TEST(faults) {
  begin();
  CUdeviceptr p;
  CHECK_OK(gridstride_sim_fault("alloc", 2, 2));
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  CHECK_CODE(cuMemAlloc_v2(&p, 64), 2);
  CHECK_SAYS("fault asked for");
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  CHECK_OK(gridstride_sim_fault("cuMemFree_v2", 1, 999));
  CHECK_CODE(cuMemFree_v2(p), 999);
  CHECK_OK(cuMemFree_v2(p));
  CHECK_OK(gridstride_sim_fault("any", 1, 46));
  CHECK_OK(gridstride_sim_set("verbose", "0"));  // not one of CUDA's
  gridstride_sim_clear_faults();
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  CHECK_CODE(gridstride_sim_fault("alloc", 0, 2), 1);
  CHECK_CODE(gridstride_sim_fault("bananas", 1, 2), 1);
  CHECK_CODE(gridstride_sim_fault("alloc", 1, 12345), 1);
  CHECK_OK(gridstride_sim_fault("copy", 1, 700));  // one that a context does not survive
  CHECK_CODE(cuMemsetD8_v2(p, 0, 1), 700);
  CHECK_CODE(cuCtxSynchronize(), 700);
  CHECK_CODE(cuMemAlloc_v2(&p, 64), 700);
  end();
  begin();
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  end();
}

TEST(trace) {
  begin();
  CUdeviceptr p;
  gridstride_sim_start_trace();
  CHECK_OK(cuMemAlloc_v2(&p, 64));
  CHECK_OK(gridstride_sim_fault("any", 1, 999));  // not one of CUDA's
  CHECK_CODE(cuMemFree_v2(p), 999);
  CHECK_OK(cuCtxSynchronize());
  CHECK(std::string(gridstride_sim_end_trace()) == "cuMemAlloc_v2\ncuMemFree_v2\ncuCtxSynchronize\n");
  CHECK_OK(cuMemFree_v2(p));
  CHECK(std::string(gridstride_sim_end_trace()).empty());
  end();
}

TEST(a_context_ends_even_if_its_end_fails) {
  CHECK_OK(cuInit(0));
  for (int code : {201, 700}) {
    CUcontext context;
    CHECK_OK(cuCtxCreate_v2(&context, 0, 0));
    CHECK_OK(gridstride_sim_fault("cuCtxDestroy_v2", 1, code));
    CHECK_CODE(cuCtxDestroy_v2(context), code);
    CHECK(gridstride_sim_count("contexts") == 0);
  }
}

TEST(settings) {
  CHECK_CODE(gridstride_sim_set("colour", "blue"), 1);
  CHECK_SAYS("unknown setting colour");
  CHECK_CODE(gridstride_sim_set("memory", "lots"), 1);
  CHECK_CODE(gridstride_sim_set("compute_capability", "6.1"), 1);
  CHECK_OK(gridstride_sim_set("compute_capability", "7.5"));
  for (const char* bad : {"12", "12.6.1", "new", "0.1", "-12.0", "12.10"}) {
    CHECK_CODE(gridstride_sim_set("driver_version", bad), 1);
    CHECK_SAYS("is no CUDA version");
  }
  int version = 0;
  CHECK_OK(gridstride_sim_set("driver_version", "13.1"));
  CHECK_OK(cuDriverGetVersion(&version));
  CHECK(version == 13010);
  CHECK_OK(gridstride_sim_set("driver_version", "12.6"));
  CHECK_OK(gridstride_sim_set("devices", "2"));
  begin();
  CHECK_CODE(gridstride_sim_set("devices", "1"), 800);
  int v = 0, n = 0;
  CHECK_OK(cuDeviceGetAttribute(&v, 75, 1));
  CHECK(v == 7);
  CHECK_OK(cuDeviceGetCount(&n));
  CHECK(n == 2);
  char name[100];
  CHECK_OK(cuDeviceGetName(name, 100, 1));
  CHECK(std::strstr(name, "simulated") != nullptr && std::strstr(name, "T4") != nullptr);
  CUdevice d;
  CHECK_CODE(cuDeviceGet(&d, 2), 101);
  end();
  CHECK_OK(gridstride_sim_set("devices", "0"));
  CHECK_CODE(cuInit(0), 100);
  CHECK_OK(gridstride_sim_set("devices", "1"));
  CHECK_OK(gridstride_sim_set("compute_capability", "9.0"));
  CHECK(std::strlen(gridstride_sim_limits()) > 100);
}

TEST(contexts) {
  CHECK_OK(cuInit(0));
  CUcontext a, b, p, now;
  CUdeviceptr d;
  CHECK_OK(cuCtxCreate_v2(&a, 0, 0));
  CHECK_OK(cuCtxCreate_v2(&b, 0, 0));
  CHECK_OK(cuCtxGetCurrent(&now));
  CHECK(now == b);
  CHECK_OK(cuCtxPopCurrent_v2(&now));
  CHECK_OK(cuCtxGetCurrent(&now));
  CHECK(now == a);
  CHECK_OK(cuCtxDestroy_v2(b));
  CHECK_CODE(cuCtxSetCurrent(b), 709);
  CHECK_CODE(cuCtxDestroy_v2(b), 709);
  CHECK_OK(cuCtxDestroy_v2(a));
  CHECK_OK(cuDevicePrimaryCtxRetain(&p, 0));
  CHECK_OK(cuCtxSetCurrent(p));
  CHECK_OK(cuMemAlloc_v2(&d, 64));
  CHECK_OK(cuDevicePrimaryCtxReset_v2(0));
  CHECK(gridstride_sim_count("allocations") == 0);
  CHECK_CODE(cuCtxDestroy_v2(p), 201);
  CHECK_OK(cuDevicePrimaryCtxRelease_v2(0));
  CHECK_CODE(cuDevicePrimaryCtxRelease_v2(0), 201);
  CHECK_CODE(cuCtxSynchronize(), 709);
  CHECK_OK(cuCtxSetCurrent(nullptr));
  CHECK(gridstride_sim_count("contexts") == 0);
}

TEST(names_and_stubs) {
  const char* s = nullptr;
  CHECK_OK(cuGetErrorName(700, &s));
  CHECK(std::strcmp(s, "CUDA_ERROR_ILLEGAL_ADDRESS") == 0);
  CHECK_OK(cuGetErrorString(700, &s));
  CHECK(std::strlen(s) > 5);
  CHECK_CODE(cuGetErrorName(123456, &s), 1);
  int v = 0;
  CHECK_OK(cuDriverGetVersion(&v));
  CHECK(v == 12060);
  CHECK_CODE(cuArrayCreate_v2(), 801);
  CHECK_SAYS("cuArrayCreate_v2");
  CHECK(gridstride_sim_count("cuArrayCreate_v2") == 1);
}

TEST(all_that_jcuda_binds_is_there) {
  std::ifstream names(JCUDA_SYMBOLS);
  std::string name;
  int n = 0;
  while (names >> name) {
    n++;
    if (dlsym(RTLD_DEFAULT, name.c_str()) == nullptr) check::fail(__FILE__, __LINE__, name + " is missing");
  }
  CHECK(n == 312);
}

TEST_MAIN
