// executor_test IMAGE: what the executor does with the kernels of executor/kernels.cu, in program
// order and in others. Runs on a plain and on a checked image; errors are the same in both, but for
// those that only the checker can see.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>

#include "expect.h"
#include "harness.h"

using namespace gridstride;
using namespace gridstride::test;

extern "C" void __asan_init() __attribute__((weak));

namespace {

bool with_address_sanitizer() { return __asan_init != nullptr; }

const std::vector<uint64_t> SEEDS = {0, 1, 2, 3, 4, 5, 6, 7, 1234567};

void ok(const char* what, const Outcome& o) {
  if (o.code != 0) std::printf("%s\n", o.message.c_str());
  EXPECT_EQUAL(std::string(what) + " " + std::to_string(o.code), std::string(what) + " 0");
}

std::vector<int> iota(int n) {
  std::vector<int> v(static_cast<size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

void test_indices(Harness& h) {
  auto y = h.allocate<int>(2 * 3 * 2 * 4 * 3 * 2);
  ok("indices", h.run("indices", {2, 3, 2}, {4, 3, 2}, 0, y.data()));
  size_t at = 0;
  for (int bz = 0; bz < 2; bz++) {
    for (int by = 0; by < 3; by++) {
      for (int bx = 0; bx < 2; bx++) {
        for (int z = 0; z < 2; z++) {
          for (int yy = 0; yy < 3; yy++) {
            for (int x = 0; x < 4; x++) EXPECT_EQUAL(y[at++], x + 10 * yy + 100 * z + 1000 * (bx + 10 * by + 100 * bz));
          }
        }
      }
    }
  }
}

void test_table(Harness& h) {
  const GridstrideKernel* k = h.kernel("doubled");
  EXPECT_EQUAL(k != nullptr, true);
  EXPECT_EQUAL(k->max_threads, 64);
  EXPECT_EQUAL(k->parameters, 3);
  EXPECT_EQUAL(std::string(k->kind), "ppi");
  auto y = h.allocate<float>(100);
  auto x = h.allocate(std::vector<float>(100, 1.5f));
  ok("doubled", h.run("doubled", {2}, {64}, 0, y.data(), static_cast<const float*>(x.data()), 100));
  for (float v : y.values()) EXPECT_EQUAL(v, 3.0f);

  k = h.kernel("parameters");
  EXPECT_EQUAL(std::string(k->kind), "psiifi");
  EXPECT_EQUAL(k->size[1], 16);
  EXPECT_EQUAL(k->align[1], 8);
  EXPECT_EQUAL(k->max_threads, 1024);
  struct Pair {
    double a;
    char b;
  };
  auto d = h.allocate<double>(6);
  ok("parameters", h.run("parameters", {1}, {1}, 0, d.data(), Pair{0.5, 'x'}, 'c', 1LL << 40, 2.5f, static_cast<unsigned char>(200)));
  EXPECT_EQUAL(d[0], 0.5);
  EXPECT_EQUAL(d[1], 'x');
  EXPECT_EQUAL(d[2], 'c');
  EXPECT_EQUAL(d[3], 0x1p40);
  EXPECT_EQUAL(d[4], 2.5);
  EXPECT_EQUAL(d[5], 200.0);
  EXPECT_EQUAL(h.kernel("no_such_kernel") == nullptr, true);
}

void test_barriers(Harness& h) {
  for (unsigned threads : {1u, 31u, 32u, 33u, 127u, 128u}) {
    auto x = h.allocate(iota(static_cast<int>(threads)));
    auto y = h.allocate<int>(5 * threads);
    ok("block_sums", h.run("block_sums", {1}, {threads}, threads * sizeof(int), y.data(), static_cast<const int*>(x.data())));
    for (unsigned i = 0; i < threads; i++) {
      int n = static_cast<int>(threads);
      EXPECT_EQUAL(y[5 * i], n * (n - 1) / 2);
      EXPECT_EQUAL(y[5 * i + 1], n * (n - 1) / 2);
      EXPECT_EQUAL(y[5 * i + 2], n / 2);
      EXPECT_EQUAL(y[5 * i + 3], 1);
      EXPECT_EQUAL(y[5 * i + 4], n > 7 ? 1 : 0);
    }
    auto r = h.allocate<int>(threads);
    ok("rounds", h.run("rounds", {1}, {threads}, 0, r.data(), 50));
    for (unsigned i = 0; i < threads; i++) EXPECT_EQUAL(r[i], static_cast<int>((i + 50) % threads));
  }
}

void test_shuffles(Harness& h) {
  auto y = h.allocate<int>(12 * 64);
  ok("shuffles", h.run("shuffles", {1}, {64}, 0, y.data()));
  for (int i = 0; i < 64; i++) {
    const int* got = y.data() + 12 * i;
    int lane = i % 32, base = i - lane;
    EXPECT_EQUAL(got[0], base + 3);
    EXPECT_EQUAL(got[1], base + lane / 8 * 8 + 3);
    EXPECT_EQUAL(got[2], lane < 2 ? i : i - 2);
    EXPECT_EQUAL(got[3], lane > 29 ? i : i + 2);
    EXPECT_EQUAL(got[4], lane % 4 > 1 ? i : i + 2);
    EXPECT_EQUAL(got[5], base + (lane ^ 5));
    EXPECT_EQUAL(got[6], base + (lane ^ 1));
    unsigned thirds = 0;
    for (int j = 0; j < 32; j += 3) thirds |= 1u << j;
    EXPECT_EQUAL(static_cast<unsigned>(got[7]), thirds);
    EXPECT_EQUAL(got[8], 1);
    EXPECT_EQUAL(static_cast<unsigned>(got[9]), 0xffu << (lane / 8 * 8));
    EXPECT_EQUAL(got[10], 31 * 32 / 2);
    EXPECT_EQUAL(got[11], lane < 16 ? base + 15 : base + 16);
  }
  auto r = h.allocate<int>(40);
  ok("ragged_warp", h.run("ragged_warp", {1}, {40}, 0, r.data()));
  EXPECT_EQUAL(static_cast<unsigned>(r[0]), ~0u);
  EXPECT_EQUAL(r[39], 0xff);
  auto b = h.allocate<int>(32);
  ok("ballot_after_exit", h.run("ballot_after_exit", {1}, {32}, 0, b.data()));
  EXPECT_EQUAL(static_cast<unsigned>(b[0]), 0x77777777u);
}

void test_copies(Harness& h) {
  auto x = h.allocate(iota(256));
  auto y = h.allocate<int>(256);
  ok("late_copies", h.run("late_copies", {1}, {128}, 0, y.data(), static_cast<const int*>(x.data())));
  for (int i = 0; i < 128; i++) {
    EXPECT_EQUAL(y[static_cast<size_t>(2 * i)], i);
    EXPECT_EQUAL(y[static_cast<size_t>(2 * i + 1)], i % 2 == 0 ? 128 + i : 0);
  }
  Outcome o = h.run("forgotten_wait", {1}, {128}, 0, y.data(), static_cast<const int*>(x.data()));
  if (h.checked()) {
    EXPECT_EQUAL(o.kind, "missing wait for an asynchronous copy");
  } else {
    ok("forgotten_wait", o);
    if (with_address_sanitizer()) return;  // static shared memory is not filled
    for (size_t i = 0; i < 128; i++) EXPECT_EQUAL(y[i], -1);
  }
}

unsigned short bf16(float v) {
  unsigned bits;
  std::memcpy(&bits, &v, sizeof bits);
  return static_cast<unsigned short>(bits >> 16);
}

void test_tensor_cores(Harness& h) {
  // Small integers: every product and sum is exact.
  std::vector<float> a(16 * 16), b(16 * 8);
  for (size_t i = 0; i < a.size(); i++) a[i] = static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
  for (size_t i = 0; i < b.size(); i++) b[i] = static_cast<float>(static_cast<int>(i * 5 % 13) - 6);
  std::vector<unsigned short> a16, b16;
  for (float v : a) a16.push_back(bf16(v));
  for (float v : b) b16.push_back(bf16(v));
  auto check = [&](const char* name, const Array<float>& d, int depth) {
    for (int i = 0; i < 16; i++) {
      for (int j = 0; j < 8; j++) {
        float sum = 0.0f;
        for (int k = 0; k < depth; k++) sum += a[static_cast<size_t>(i * depth + k)] * b[static_cast<size_t>(k * 8 + j)];
        if (d[static_cast<size_t>(i * 8 + j)] != sum) {
          std::printf("%s [%d][%d]: expected %g, got %g\n", name, i, j, sum, d[static_cast<size_t>(i * 8 + j)]);
          failures++;
        }
      }
    }
  };
  auto da = h.allocate(a16), db = h.allocate(b16);
  auto d = h.allocate<float>(128);
  ok("product_bf16", h.run("product_bf16", {1}, {32}, 0, d.data(), static_cast<const unsigned short*>(da.data()), static_cast<const unsigned short*>(db.data())));
  check("product_bf16", d, 16);
  auto fa = h.allocate(a), fb = h.allocate(b);
  auto t = h.allocate<float>(128);
  ok("product_tf32", h.run("product_tf32", {1}, {32}, 0, t.data(), static_cast<const float*>(fa.data()), static_cast<const float*>(fb.data())));
  check("product_tf32", t, 8);
  // A warp that is not whole cannot run it.
  EXPECT_EQUAL(h.run("product_tf32", {1}, {16}, 0, t.data(), static_cast<const float*>(fa.data()), static_cast<const float*>(fb.data())).code, 719);
}

void test_atomics(Harness& h) {
  auto y = h.allocate(std::vector<int>(3));
  auto u = h.allocate(std::vector<unsigned>(1));
  auto f = h.allocate(std::vector<float>(1));
  ok("atomics", h.run("atomics", {3}, {64}, 0, y.data(), u.data(), f.data()));
  EXPECT_EQUAL(y[0], 3 * 64 * 63 / 2);
  EXPECT_EQUAL(y[1], 63);
  EXPECT_EQUAL(y[2], 1);
  EXPECT_EQUAL(u[0], 192u % 10);
  EXPECT_EQUAL(f[0], 192.0f);
  auto sum = h.allocate<int>(1);
  auto parts = h.allocate<int>(20);
  ok("last_block", h.run("last_block", {20}, {32}, 0, sum.data(), parts.data()));
  EXPECT_EQUAL(sum[0], 210);
}

void test_order(Harness& h) {
  std::set<std::vector<int>> seen;
  uint64_t before = h.seed;
  for (uint64_t seed : SEEDS) {
    h.seed = seed;
    auto y = h.allocate<int>(3 * 64);
    auto next = h.allocate(std::vector<int>(1));
    ok("begin_order", h.run("begin_order", {3}, {64}, 0, y.data(), next.data()));
    std::vector<int> order = y.values(), sorted = order;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQUAL(sorted == iota(3 * 64), true);
    if (seed == 0) EXPECT_EQUAL(order == sorted, true);
    // The same seed gives the same order.
    auto again = h.allocate<int>(3 * 64);
    auto zero = h.allocate(std::vector<int>(1));
    ok("begin_order", h.run("begin_order", {3}, {64}, 0, again.data(), zero.data()));
    EXPECT_EQUAL(again.values() == order, true);
    seen.insert(order);
  }
  EXPECT_EQUAL(seen.size(), SEEDS.size());
  h.seed = before;
}

void test_fresh_shared(Harness& h) {
  auto y = h.allocate<unsigned>(256);
  Outcome o = h.run("fresh_shared", {2}, {128}, 0, y.data());
  if (h.checked()) {
    EXPECT_EQUAL(o.kind, "read of unset shared memory");
    return;
  }
  ok("fresh_shared", o);
  if (with_address_sanitizer()) return;
  for (unsigned v : y.values()) EXPECT_EQUAL(v, ~0u);
}

void test_errors(Harness& h) {
  auto y = h.allocate(std::vector<int>(4));
  Outcome o = h.run("wild_pointer", {1}, {1}, 0, y.data());
  EXPECT_EQUAL(o.code, 700);
  EXPECT_CONTAINS(o.message, "kernel wild_pointer");
  EXPECT_CONTAINS(o.message, "kernels.cu:");
  o = h.run("division", {2}, {2}, 0, y.data(), 0);
  EXPECT_EQUAL(o.code, 719);
  EXPECT_EQUAL(o.kind, "integer division by zero");
  EXPECT_CONTAINS(o.message, "kernels.cu:");
  o = h.run("trap", {1}, {64}, 0);
  EXPECT_EQUAL(o.code, 719);
  EXPECT_EQUAL(o.kind, "trap");
  o = h.run("assertion", {1}, {64}, 0, 4);
  EXPECT_EQUAL(o.code, 710);
  EXPECT_CONTAINS(o.message, "n == 3");
  ok("assertion", h.run("assertion", {1}, {64}, 0, 3));
  o = h.run("deep_stack", {1}, {32}, 0, y.data(), 500);
  EXPECT_EQUAL(o.code, 719);
  EXPECT_EQUAL(o.kind, "stack overflow");
  // After errors everything still works.
  test_barriers(h);
}

void test_freed(Harness& h) {
  if (!h.checked()) return;
  auto y = h.allocate<float>(100);
  auto x = h.allocate(std::vector<float>(100, 1.5f));
  h.free(x);
  Outcome o = h.run("doubled", {2}, {64}, 0, y.data(), static_cast<const float*>(x.data()), 100);
  EXPECT_EQUAL(o.code, 700);
  EXPECT_EQUAL(o.kind, "read of freed memory");
  o = h.run("doubled", {2}, {64}, 0, y.data(), static_cast<const float*>(nullptr), 100);
  EXPECT_EQUAL(o.code, 700);
  EXPECT_EQUAL(o.kind, "null pointer read");
}

void test_small_floats(Harness& h) {
  auto halves = h.allocate<unsigned short>(65536), bfloats = h.allocate<unsigned short>(65536);
  auto y = h.allocate<float>(10);
  ok("small_floats", h.run("small_floats", {256}, {256}, 0, halves.data(), bfloats.data(), y.data()));
  int differing = 0;
  for (unsigned i = 0; i < 65536; i++) {
    bool nan_half = (i & 0x7fffu) > 0x7c00u, nan_bfloat = (i & 0x7fffu) > 0x7f80u;
    differing += halves[i] != (nan_half ? 0x7fffu : i);
    differing += bfloats[i] != (nan_bfloat ? 0x7fffu : i);
  }
  EXPECT_EQUAL(differing, 0);
  const float expected[] = {4.75f, 5.0f, 1.0f, 1.0f + 0x1p-10f, 65504.0f, INFINITY, 0.0f, 0x1p-24f, 1.0f, 3.0f};
  for (size_t i = 0; i < 10; i++) EXPECT_EQUAL(y[i], expected[i]);
}

void test_large_blocks(Harness& h) {
  for (int i = 0; i < 3; i++) ok("nothing", h.run("nothing", {5}, {1024}, 0));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  Harness h(argv[1]);
  for (uint64_t seed : SEEDS) {
    h.seed = seed;
    test_indices(h);
    test_table(h);
    test_barriers(h);
    test_shuffles(h);
    test_copies(h);
    test_tensor_cores(h);
    test_atomics(h);
    test_fresh_shared(h);
    test_large_blocks(h);
  }
  h.seed = 0;
  test_small_floats(h);
  test_order(h);
  test_errors(h);
  test_freed(h);
  if (failures != 0) std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
