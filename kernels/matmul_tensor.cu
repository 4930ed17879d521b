// Matrix products on tensor cores: c = act(op(a) op(b) + bias), in the transposes that training
// needs: nn (forward: x w), nt (data gradient: dy w^T) and tn (weight gradient: x^T dy).
//
//   c[i, j] = act(bias[j] + sum over p of a[i, p] * b[p, j])     act: none or max(v, 0)
//
// Row-major. a is [m, k], or [k, m] for tn; b is [k, n], or [n, k] for nt; bias is [n] or null.
//   tf32: a, b, c float32; a and b are rounded to TF32 (cvt.rna: 10 bits of mantissa) on the way to
//         the fragments; mma.sync m16n8k8.
//   bf16: a, b bfloat16; c float32, bfloat16 or both; mma.sync m16n8k16.
// Sums are float32 either way. Deterministic: each element is summed in one fixed order, and so are
// the parts of a split k (matmul_sum_parts_f32).
//
// How: a block has BM x BN of c and walks over k by 64 bytes a row (16 floats, 32 bf16). cp.async
// fills the next stages while the warps multiply this one; ldmatrix brings the fragments (for TF32
// with k across the rows, word loads do, as ldmatrix cannot transpose 32-bit elements). The pipeline
// is tensor::Product in gridstride.cuh. The swap of 16-byte chunks there keeps copies and fragment
// loads free of bank conflicts without padding.
//
// Split k: with gridDim.z = s > 1 each block has one s-th of k, in whole stages, and c is [s, m, n] of
// parts, without bias, ReLU and bf16 copy; matmul_sum_parts_f32 then adds the parts in order.
//
// Launch: grid (ceil(m / BM), ceil(n / BN), splits); block 128 (64x64) or 256 (128x128); no dynamic
// shared memory. Any m, n, k >= 1; m and n below 2^31 - 128. 16-byte copies where a matrix starts on
// 16 bytes and its rows are a multiple of 16 bytes, else 4-byte copies (float) or plain loads (bf16).
//
// Evidence, H100 (3.35 TB/s; 495 TFLOP/s TF32, 989 bf16, both dense):
//   The reference job's dense layer, batch 64: m 64, n 128, k 2304: 37.7 MFLOP; a 0.59 MB, b 1.18 MB,
//   c 0.03 MB in float32: 0.5 us of memory, 0.1 us of arithmetic: bound by memory, and, with two tiles
//   of 64x64, by the number of blocks: split k until there is a block for each multiprocessor. The
//   weight gradient (tn, m 2304, n 128, k 64) has 72 tiles, the data gradient (nt, m 64, n 2304, k 128)
//   36; bytes and operations are the same.
//   Large products, 128x128: 64 operations a byte fetched in bf16 (32 in TF32), most of them from L2;
//   in shared memory a warp reads 96 rows of 64 bytes for 64 x 32 sums: 6 KB for 32 mma of bf16.
//   sm_90      registers (tf32 / bf16)               shared   blocks an SM   warps of 64
//   64x64      nn 80 / 94, nt 78 / 80, tn 94 / 80     32 KB    5 or 6         20 or 24
//   128x128    nn 122 / 128, nt 123 / 128, tn 120 / 126    48 KB    2 (registers)  16
#include "gridstride.cuh"

// One block's part of the product. TRANS_A: a is [k, m]; TRANS_B: b is [n, k].
template <typename T, bool TRANS_A, bool TRANS_B, int BM, int BN, int WM, int WN, int STAGES>
__device__ __forceinline__ void matmul(float* c, bf16* c_bf16, const T* a, const T* b, const float* bias, int m, int n, int k, bool relu) {
  using Product = tensor::Product<T, !TRANS_A, TRANS_B, BM, BN, WM, WN, STAGES>;
  const int m0 = static_cast<int>(blockIdx.x) * BM, n0 = static_cast<int>(blockIdx.y) * BN;
  const int k0 = Product::part(k, blockIdx.z, gridDim.z), k1 = Product::part(k, blockIdx.z + 1, gridDim.z);
  const int a_columns = TRANS_A ? m : k, b_columns = TRANS_B ? k : n;
  const tensor::Matrix<T> a_matrix(a, TRANS_A ? k : m, a_columns, a_columns), b_matrix(b, TRANS_B ? n : k, b_columns, b_columns);
  Product product;
  product.add(a_matrix, b_matrix, m0, n0, k0, k1);
  product.store(c != nullptr ? c + static_cast<i64>(blockIdx.z) * m * n : nullptr, c_bf16, bias, relu, m0, n0, m, n, n);
}

// c [m, n] or [gridDim.z, m, n], a [m, k], b [k, n], bias [n] or null.
extern "C" __global__ void __launch_bounds__(128) matmul_nn_64x64_tf32(float* c, const float* a, const float* b, const float* bias, int m, int n, int k, int relu) {
  matmul<float, false, false, 64, 64, 32, 32, 4>(c, nullptr, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(128) matmul_nn_64x64_bf16(float* c, bf16* c_bf16, const bf16* a, const bf16* b, const float* bias, int m, int n, int k, int relu) {
  matmul<bf16, false, false, 64, 64, 32, 32, 4>(c, c_bf16, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(256) matmul_nn_128x128_tf32(float* c, const float* a, const float* b, const float* bias, int m, int n, int k, int relu) {
  matmul<float, false, false, 128, 128, 64, 32, 3>(c, nullptr, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(256) matmul_nn_128x128_bf16(float* c, bf16* c_bf16, const bf16* a, const bf16* b, const float* bias, int m, int n, int k, int relu) {
  matmul<bf16, false, false, 128, 128, 64, 32, 3>(c, c_bf16, a, b, bias, m, n, k, relu != 0);
}

// c [m, n] or [gridDim.z, m, n], a [m, k], b [n, k], bias [n] or null.
extern "C" __global__ void __launch_bounds__(128) matmul_nt_64x64_tf32(float* c, const float* a, const float* b, const float* bias, int m, int n, int k, int relu) {
  matmul<float, false, true, 64, 64, 32, 32, 4>(c, nullptr, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(128) matmul_nt_64x64_bf16(float* c, bf16* c_bf16, const bf16* a, const bf16* b, const float* bias, int m, int n, int k, int relu) {
  matmul<bf16, false, true, 64, 64, 32, 32, 4>(c, c_bf16, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(256) matmul_nt_128x128_tf32(float* c, const float* a, const float* b, const float* bias, int m, int n, int k, int relu) {
  matmul<float, false, true, 128, 128, 64, 32, 3>(c, nullptr, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(256) matmul_nt_128x128_bf16(float* c, bf16* c_bf16, const bf16* a, const bf16* b, const float* bias, int m, int n, int k, int relu) {
  matmul<bf16, false, true, 128, 128, 64, 32, 3>(c, c_bf16, a, b, bias, m, n, k, relu != 0);
}

// c [m, n] or [gridDim.z, m, n], a [k, m], b [k, n], bias [n] or null.
extern "C" __global__ void __launch_bounds__(128) matmul_tn_64x64_tf32(float* c, const float* a, const float* b, const float* bias, int m, int n, int k, int relu) {
  matmul<float, true, false, 64, 64, 32, 32, 4>(c, nullptr, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(128) matmul_tn_64x64_bf16(float* c, bf16* c_bf16, const bf16* a, const bf16* b, const float* bias, int m, int n, int k, int relu) {
  matmul<bf16, true, false, 64, 64, 32, 32, 4>(c, c_bf16, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(256) matmul_tn_128x128_tf32(float* c, const float* a, const float* b, const float* bias, int m, int n, int k, int relu) {
  matmul<float, true, false, 128, 128, 64, 32, 3>(c, nullptr, a, b, bias, m, n, k, relu != 0);
}
extern "C" __global__ void __launch_bounds__(256) matmul_tn_128x128_bf16(float* c, bf16* c_bf16, const bf16* a, const bf16* b, const float* bias, int m, int n, int k, int relu) {
  matmul<bf16, true, false, 128, 128, 64, 32, 3>(c, c_bf16, a, b, bias, m, n, k, relu != 0);
}

// The second stage of a split k: act(bias + sum of the parts, first to last), for V elements side
// by side from i on.
template <int V>
__device__ __forceinline__ void sum_parts(float* c, bf16* c_bf16, const float* parts, const float* bias, int count, i64 size, int n, bool relu, i64 i) {
  if (i >= size) return;
  Floats<V> sum = load_floats<V>(parts + i);
  for (int part = 1; part < count; part++) {
    const Floats<V> v = load_floats<V>(parts + part * size + i);
    for (int j = 0; j < V; j++) sum.at[j] += v.at[j];
  }
  int column = static_cast<int>(i % n);
  for (int j = 0; j < V; j++) {
    if (bias != nullptr) sum.at[j] += bias[column];
    if (relu && sum.at[j] < 0.0f) sum.at[j] = 0.0f;
    if (c_bf16 != nullptr) c_bf16[i + j] = float_to_bf16(sum.at[j]);
    column = column + 1 < n ? column + 1 : 0;
  }
  if (c != nullptr) store_floats<V>(c + i, sum);
}

// c [m, n] float32, bfloat16 or both (null: not wanted), parts [count, m, n], bias [n] or null. Grid
// ceil(m n / 1024), block 256: four neighbours a thread where c and parts start on 16 bytes and m n
// is a multiple of 4, else four elements a block's width apart.
extern "C" __global__ void __launch_bounds__(256) matmul_sum_parts_f32(float* c, bf16* c_bf16, const float* parts, const float* bias, int count, int m, int n, int relu) {
  const i64 size = static_cast<i64>(m) * n;
  const i64 first = static_cast<i64>(blockIdx.x) * 1024;
  if (size % 4 == 0 && (reinterpret_cast<u64>(c) | reinterpret_cast<u64>(parts)) % 16 == 0) {
    sum_parts<4>(c, c_bf16, parts, bias, count, size, n, relu != 0, first + threadIdx.x * 4);
  } else {
    for (int j = 0; j < 4; j++) sum_parts<1>(c, c_bf16, parts, bias, count, size, n, relu != 0, first + j * 256 + threadIdx.x);
  }
}
