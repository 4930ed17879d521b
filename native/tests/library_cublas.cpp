// Products of the simulated libcublas against plain sums in double, its settings, and what it refuses.
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cublas.h"

static CUcontext context;
static void* handle;

static void begin() {
  CHECK_OK(cuInit(0));
  CHECK_OK(cuCtxCreate_v2(&context, 0, 0));
  CHECK_OK(cublasCreate_v2(&handle));
}

static void end() {
  CHECK_OK(cublasDestroy_v2(handle));
  CHECK_OK(cuCtxDestroy_v2(context));
}

enum { F32 = 0, BF16 = 14, F16 = 2 };
enum { COMPUTE_32F = 68, PEDANTIC = 69, FAST_16BF = 75, FAST_TF32 = 77 };

static float bfloat(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  std::memcpy(&v, &bits, 4);
  return v;
}

static float tf32(float v) {
  int exponent;
  float mantissa = std::frexp(v, &exponent);  // 0.5 to 1: 11 bits
  return std::ldexp(std::round(mantissa * 2048) / 2048, exponent);
}

// A matrix of the device's, wrapped in room that nothing may touch.
struct Data {
  std::vector<float> host;
  CUdeviceptr at = 0;
  int type;

  Data(size_t n, int the_type, float (*value)(size_t)) : host(n), type(the_type) {
    for (size_t i = 0; i < n; i++) host[i] = type == BF16 ? bfloat(value(i)) : value(i);
    CHECK_OK(cuMemAlloc_v2(&at, n == 0 ? 4 : n * size()));
    put();
  }
  size_t size() const { return type == BF16 ? 2 : 4; }
  void put() const {
    std::vector<uint16_t> small(host.size());
    for (size_t i = 0; i < host.size(); i++) {
      uint32_t bits;
      std::memcpy(&bits, &host[i], 4);
      small[i] = static_cast<uint16_t>(bits >> 16);
    }
    const void* from = type == BF16 ? static_cast<const void*>(small.data()) : host.data();
    CHECK_OK(cuMemcpyHtoD_v2(at, from, host.size() * size()));
  }
  std::vector<float> get() const {
    std::vector<float> out(host.size());
    std::vector<uint16_t> small(host.size());
    void* to = type == BF16 ? static_cast<void*>(small.data()) : out.data();
    CHECK_OK(cuMemcpyDtoH_v2(to, at, host.size() * size()));
    for (size_t i = 0; type == BF16 && i < out.size(); i++) {
      uint32_t bits = static_cast<uint32_t>(small[i]) << 16;
      std::memcpy(&out[i], &bits, 4);
    }
    return out;
  }
  void* pointer() const { return reinterpret_cast<void*>(at); }
};

static float small_integer(size_t i) { return static_cast<float>(static_cast<int>(i * 7 % 11) - 5); }
static float fraction(size_t i) { return static_cast<float>(static_cast<int>(i * 7919 % 4001) - 2000) / 1999.0f; }

struct Case {
  int transa, transb, m, n, k, lda, ldb, ldc, batch;
  long long stride_a, stride_b, stride_c;
};

static size_t room(int leading, int columns, int batch, long long stride) {
  return static_cast<size_t>((batch - 1) * stride + leading * columns);
}

// Calls the library and compares all of C, the elements between its columns and matrices included.
static void product(const Case& t, int type_a, int type_c, int compute, float alpha, float beta, float (*value)(size_t),
                    float (*rounding)(float), double tolerance) {
  Data a(room(t.lda, t.transa ? t.m : t.k, t.batch, t.stride_a), type_a, value);
  Data b(room(t.ldb, t.transb ? t.k : t.n, t.batch, t.stride_b), type_a, value);
  Data c(room(t.ldc, t.n, t.batch, t.stride_c), type_c, value);
  if (t.batch == 1) {
    CHECK_OK(cublasGemmEx(handle, t.transa, t.transb, t.m, t.n, t.k, &alpha, a.pointer(), type_a, t.lda, b.pointer(),
                          type_a, t.ldb, &beta, c.pointer(), type_c, t.ldc, compute, -1));
  } else {
    CHECK_OK(cublasGemmStridedBatchedEx(handle, t.transa, t.transb, t.m, t.n, t.k, &alpha, a.pointer(), type_a, t.lda,
                                        t.stride_a, b.pointer(), type_a, t.ldb, t.stride_b, &beta, c.pointer(), type_c,
                                        t.ldc, t.stride_c, t.batch, compute, -1));
  }
  std::vector<double> expected(c.host.begin(), c.host.end());
  for (int x = 0; x < t.batch; x++) {
    for (int j = 0; j < t.n; j++) {
      for (int i = 0; i < t.m; i++) {
        double sum = 0;
        for (int p = 0; p < t.k; p++) {
          float left = a.host[static_cast<size_t>(x * t.stride_a + (t.transa ? i * t.lda + p : p * t.lda + i))];
          float right = b.host[static_cast<size_t>(x * t.stride_b + (t.transb ? p * t.ldb + j : j * t.ldb + p))];
          sum += static_cast<double>(rounding(left)) * static_cast<double>(rounding(right));
        }
        double& out = expected[static_cast<size_t>(x * t.stride_c + j * t.ldc + i)];
        out = alpha * sum + (beta == 0 ? 0 : beta * out);
        if (type_c == BF16 && tolerance == 0) out = bfloat(static_cast<float>(out));
      }
    }
  }
  std::vector<float> got = c.get();
  for (size_t i = 0; i < got.size(); i++) {
    if (std::fabs(got[i] - expected[i]) <= tolerance) continue;
    std::printf("    m %d n %d k %d trans %d %d: element %zu is %g, expected %g\n", t.m, t.n, t.k, t.transa, t.transb, i,
                static_cast<double>(got[i]), expected[i]);
    check::failures++;
    break;
  }
  for (const Data* d : {&a, &b, &c}) CHECK_OK(cuMemFree_v2(d->at));
}

static float same(float v) { return v; }

TEST(all_shapes) {
  begin();
  for (int ta = 0; ta < 2; ta++) {
    for (int tb = 0; tb < 2; tb++) {
      for (auto [m, n, k] : {std::array<int, 3>{1, 1, 1}, {5, 3, 7}, {16, 8, 4}, {257, 2, 33}, {3, 40, 0}}) {
        int lda = (ta ? k : m) + 2, ldb = (tb ? n : k) + 1, ldc = m + 3;
        for (int type : {F32, BF16}) {
          Case one = {ta, tb, m, n, k, lda, ldb, ldc, 1, 0, 0, 0};
          product(one, type, type, COMPUTE_32F, 1, 0, small_integer, same, 0);
          product(one, type, F32, COMPUTE_32F, 2, -1, small_integer, same, 0);
        }
        long long columns_a = ta ? m : k, columns_b = tb ? k : n;
        Case three = {ta, tb, m, n, k, lda, ldb, ldc, 3, lda * columns_a + 5, ldb * columns_b, ldc * n + 1};
        product(three, F32, F32, COMPUTE_32F, 1, 1, small_integer, same, 0);
        three.stride_b = 0;  // one B for all
        product(three, BF16, BF16, COMPUTE_32F, 1, 0, small_integer, same, 0);
      }
    }
  }
  end();
}

TEST(precisions) {
  begin();
  Case t = {0, 0, 19, 23, 64, 19, 64, 19, 1, 0, 0, 0};
  double accumulated = 64 * 64 * std::ldexp(1.0, -24);  // of float32 sums of 64 products of at most 1
  product(t, F32, F32, COMPUTE_32F, 1, 0, fraction, same, accumulated);
  product(t, F32, F32, FAST_TF32, 1, 0, fraction, tf32, accumulated);
  product(t, F32, F32, FAST_16BF, 1, 0, fraction, bfloat, accumulated);
  product(t, BF16, F32, COMPUTE_32F, 1, 0, fraction, same, accumulated);
  product(t, BF16, BF16, COMPUTE_32F, 1, 0, fraction, same, accumulated + 32 * std::ldexp(1.0, -8));
  CHECK_OK(cublasSetMathMode(handle, 3));  // TF32
  product(t, F32, F32, COMPUTE_32F, 1, 0, fraction, tf32, accumulated);
  product(t, F32, F32, PEDANTIC, 1, 0, fraction, same, accumulated);
  CHECK_OK(cublasSetMathMode(handle, 2 | 16));  // pedantic
  product(t, F32, F32, FAST_TF32, 1, 0, fraction, same, accumulated);
  // The roundings differ by far more than the tolerance, or this test would show nothing.
  CHECK(std::fabs(tf32(1.0f / 3) - 1.0f / 3) > 5e-5 && std::fabs(bfloat(1.0f / 3) - 1.0f / 3) > 5e-4);
  CHECK(tf32(1 + 0x1p-11f) == 1 + 0x1p-10f);  // ties away from zero
  end();
}

TEST(before_ampere) {
  CHECK_OK(gridstride_sim_set("compute_capability", "7.5"));
  begin();
  Case t = {0, 0, 4, 4, 8, 4, 8, 4, 1, 0, 0, 0};
  product(t, F32, F32, FAST_TF32, 1, 0, fraction, same, 1e-5);  // there is no TF32
  Data x(64, BF16, fraction), y(64, F32, fraction);
  float one = 1, zero = 0;
  CHECK_CODE(cublasGemmEx(handle, 0, 0, 2, 2, 2, &one, x.pointer(), BF16, 2, x.pointer(), BF16, 2, &zero, y.pointer(),
                          F32, 2, COMPUTE_32F, -1),
             15);
  CHECK_SAYS("bfloat16 needs compute capability 8.0, the device has 7.5");
  end();
  CHECK_OK(gridstride_sim_set("compute_capability", "9.0"));
}

TEST(what_is_not_read) {
  begin();
  float nan = std::numeric_limits<float>::quiet_NaN(), one = 1, zero = 0;
  Data a(4, F32, small_integer), b(4, F32, small_integer), c(4, F32, small_integer);
  c.host.assign(4, nan);
  c.put();
  CHECK_OK(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, &one, floats_at(a.at), 2, floats_at(b.at), 2, &zero, floats_at(c.at), 2));
  for (float v : c.get()) CHECK(v == v);  // C where beta is 0
  a.host.assign(4, nan);
  a.put();
  CHECK_OK(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, &zero, floats_at(a.at), 2, floats_at(b.at), 2, &zero, floats_at(c.at), 2));
  for (float v : c.get()) CHECK(v == 0);  // A and B where alpha is 0
  end();
}

TEST(scalars_of_the_device) {
  begin();
  Data a(4, F32, small_integer), b(4, F32, small_integer), c(4, F32, small_integer), scalars(2, F32, small_integer);
  CHECK_OK(cublasSetPointerMode_v2(handle, 1));
  float *alpha = floats_at(scalars.at), *beta = alpha + 1;
  scalars.host = {0, 3};
  scalars.put();
  CHECK_OK(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, alpha, floats_at(a.at), 2, floats_at(b.at), 2, beta, floats_at(c.at), 2));
  std::vector<float> got = c.get();
  for (size_t i = 0; i < 4; i++) CHECK(got[i] == 3 * c.host[i]);
  float one = 1;
  CHECK_CODE(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, &one, floats_at(a.at), 2, floats_at(b.at), 2, beta, floats_at(c.at), 2), 7);
  CHECK_SAYS("alpha is not device memory");
  CHECK_OK(cublasSetPointerMode_v2(handle, 0));
  CHECK_CODE(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, alpha, floats_at(a.at), 2, floats_at(b.at), 2, &one, floats_at(c.at), 2), 7);
  CHECK_SAYS("alpha is memory of the device, but the pointer mode is host");
  end();
}

TEST(refusals) {
  begin();
  Data a(64, F32, small_integer), b(64, F32, small_integer), c(64, F32, small_integer);
  float one = 1, zero = 0;
  struct Wrong {
    int transa, m, n, k, type_a, lda, type_b, ldb, type_c, ldc, compute, algorithm, status;
    const char* says;
  };
  const Wrong all[] = {
      {3, 4, 4, 4, F32, 4, F32, 4, F32, 4, COMPUTE_32F, -1, 7, "transa is 3"},
      {0, -1, 4, 4, F32, 4, F32, 4, F32, 4, COMPUTE_32F, -1, 7, "m is -1"},
      {0, 4, 4, 4, F32, 3, F32, 4, F32, 4, COMPUTE_32F, -1, 7, "the leading dimension of A is 3, but its columns have 4"},
      {1, 4, 4, 5, F32, 4, F32, 5, F32, 4, COMPUTE_32F, -1, 7, "the leading dimension of A is 4, but its columns have 5"},
      {0, 4, 4, 5, F32, 4, F32, 4, F32, 4, COMPUTE_32F, -1, 7, "the leading dimension of B is 4, but its columns have 5"},
      {0, 4, 4, 4, F32, 4, F32, 4, F32, 2, COMPUTE_32F, -1, 7, "the leading dimension of C is 2, but its columns have 4"},
      {0, 0, 4, 4, F32, 0, F32, 4, F32, 1, COMPUTE_32F, -1, 7, "the leading dimension of A is 0"},
      {0, 4, 4, 4, F32, 4, F32, 4, BF16, 4, COMPUTE_32F, -1, 15, "A of type 0, B of 0 and C of 14 do not go with"},
      {0, 4, 4, 4, F32, 4, BF16, 4, F32, 4, COMPUTE_32F, -1, 15, "A of type 0, B of 14 and C of 0 do not go with"},
      {0, 4, 4, 4, BF16, 4, BF16, 4, F32, 4, FAST_TF32, -1, 15, "do not go with compute type 77"},
      {0, 4, 4, 4, F16, 4, F16, 4, F16, 4, COMPUTE_32F, -1, 15, "A has type 2"},
      {0, 4, 4, 4, F32, 4, F32, 4, F32, 4, 0, -1, 7, "there is no compute type 0"},
      {0, 4, 4, 4, F32, 4, F32, 4, F32, 4, 64, -1, 15, "compute type 64 is not simulated"},
      {0, 4, 4, 4, F32, 4, F32, 4, F32, 4, COMPUTE_32F, 50, 7, "there is no algorithm 50"},
      {0, 9, 9, 4, F32, 9, F32, 4, F32, 9, COMPUTE_32F, -1, 7, "C out of range: bytes 0 to 323"},
      {0, 9, 4, 8, F32, 9, F32, 8, F32, 9, COMPUTE_32F, -1, 7, "A out of range"},
  };
  for (const Wrong& w : all) {
    CHECK_CODE(cublasGemmEx(handle, w.transa, 0, w.m, w.n, w.k, &one, a.pointer(), w.type_a, w.lda, b.pointer(), w.type_b,
                            w.ldb, &zero, c.pointer(), w.type_c, w.ldc, w.compute, w.algorithm),
               w.status);
    CHECK_SAYS(w.says);
  }
  CHECK_CODE(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, nullptr, floats_at(a.at), 2, floats_at(b.at), 2, &zero, floats_at(c.at), 2), 7);
  CHECK_SAYS("alpha is null");
  CHECK_CODE(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, &one, nullptr, 2, floats_at(b.at), 2, &zero, floats_at(c.at), 2), 7);
  CHECK_SAYS("A is null");
  CHECK_CODE(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, &one, floats_at(a.at + 2), 2, floats_at(b.at), 2, &zero, floats_at(c.at), 2), 7);
  CHECK_SAYS("is not aligned to its elements of 4 bytes");
  CHECK_CODE(cublasSgemm_v2(handle, 0, 0, 2, 2, 2, &one, floats_at(a.at), 2, floats_at(b.at), 2, &zero, a.host.data(), 2), 7);
  CHECK_SAYS("C is not device memory");
  CHECK_CODE(cublasSgemmStridedBatched(handle, 0, 0, 2, 2, 2, &one, floats_at(a.at), 2, 4, floats_at(b.at), 2, 4, &zero,
                                       floats_at(c.at), 2, 3, 2),
             7);
  CHECK_SAYS("C shares memory with itself");
  CHECK_OK(cublasSgemmStridedBatched(handle, 0, 0, 2, 2, 2, &one, floats_at(a.at), 2, 4, floats_at(b.at), 2, 4, &zero,
                                     floats_at(c.at), 4, 2, 2));  // columns of the two in turn
  CHECK_CODE(cublasSgemmStridedBatched(handle, 0, 0, 2, 2, 2, &one, floats_at(a.at), 2, 4, floats_at(b.at), 2, 4, &zero,
                                       floats_at(c.at), 2, 4, -1),
             7);
  CHECK_OK(cuCtxSynchronize());
  end();
}

TEST(settings) {
  begin();
  CUstream stream, other, now = nullptr;
  CUdeviceptr workspace;
  CHECK_OK(cuStreamCreate(&stream, 1));
  CHECK_OK(cublasSetStream_v2(handle, stream));
  CHECK_OK(cublasGetStream_v2(handle, &now));
  CHECK(now == stream);
  CUcontext second;
  CHECK_OK(cuCtxCreate_v2(&second, 0, 0));
  CHECK_OK(cuStreamCreate(&other, 1));
  CHECK_OK(cuCtxDestroy_v2(second));
  CHECK_OK(cuCtxSetCurrent(context));
  CHECK_CODE(cublasSetStream_v2(handle, other), 13);
  CHECK_OK(cuMemAlloc_v2(&workspace, 4096));
  CHECK_CODE(cublasSetWorkspace_v2(handle, reinterpret_cast<void*>(workspace + 128), 1024), 7);
  CHECK_SAYS("is not aligned to 256 bytes");
  CHECK_CODE(cublasSetWorkspace_v2(handle, reinterpret_cast<void*>(workspace), 8192), 7);
  CHECK_SAYS("the workspace out of range");
  CHECK_OK(cublasSetWorkspace_v2(handle, nullptr, 0));
  CHECK_CODE(cublasSetMathMode(handle, 5), 7);
  CHECK_CODE(cublasSetPointerMode_v2(handle, 2), 7);
  CHECK_CODE(cublasSetAtomicsMode(handle, 2), 7);
  CHECK_CODE(cublasCreate_v2(nullptr), 7);
  // While a stream is captured, a handle's memory cannot be had.
  CUgraph graph = nullptr;
  void* late = nullptr;
  CHECK_OK(cuStreamBeginCapture_v2(stream, 0));
  CHECK_CODE(cublasCreate_v2(&late), 13);
  CHECK_SAYS("cublasCreate_v2 is not permitted while stream");
  CHECK_CODE(cuStreamEndCapture(stream, &graph), 901);
  end();
}

TEST_MAIN
