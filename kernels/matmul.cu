// Matrix products in all transposes, with what a fully connected layer adds to them:
//
//   y[m,n] = act(op(a)[m,k] op(b)[k,n] + bias[n])      op(v) = v or v transposed; act = ReLU or nothing
//   sums[m] = sum over k of op(a)[m,k]                 with a = dy transposed, the gradient of a bias
//
//   layer forward             y  = act(x w^T + bias)   x [N,K], w [O,K]: b transposed
//   gradient of its input     dx = dy w                dy [N,O]
//   gradient of its weights   dw = dy^T x              a transposed; db = sums
//
// All matrices are row-major. a is [m,k], or [k,m] if transposed; b is [k,n], or [n,k].
//
// Algorithm: block tiles in shared memory, register blocks in each thread, the next slice of k on
// its way while one is computed on ("Matrix products by register-blocked tiles" in gridstride.cuh;
// the idea is Volkov and Demmel, "Benchmarking GPUs to tune dense linear algebra", SC 2008). There is
// a kernel for each of three tiles; the host takes the one with the shortest estimate (TilePlan.java):
//
//   tile     depth  a thread  threads  multiply-adds for each float read from shared memory
//   128x128      8       8x8      256  4.0   for matrices that fill the card with such tiles
//   64x64       16       8x4      128  2.7
//   32x32       32       4x4       64  2.0   for skinny ones: 64 rows and 10 columns waste least here
//
// Where m x n gives too few tiles to fill the card (a layer's batch is 64 rows, and k is thousands),
// k is split over blockIdx.z: each split writes a matrix of partial sums, and split_k_sum_f32 adds
// them up in order. Deterministic: the split depends on the sizes and the number of multiprocessors
// only, and no atomics are used.
//
// At the reference job (batch 64, H100: 67 TFLOP/s, 3.35 TB/s, 132 SMs), each number moved once:
//                     m     n     k  MFLOP    MB  arithmetic  memory   blocks
//   dense1 forward   64   128  2304   37.7  1.80  0.56 us     0.54 us  8 x 36 splits of 32x32
//   dense1 data      64  2304   128   37.7  1.80  0.56 us     0.54 us  144 of 32x32
//   dense1 weights  128  2304    64   37.7  1.80  0.56 us     0.54 us  288 of 32x32
//   dense2 forward   64    10   128    0.2  0.04  launch latency       2 of 32x32
//   dense2 data      64   128    10    0.2  0.04  launch latency       8 of 32x32
//   dense2 weights   10   128    64    0.2  0.04  launch latency       4 of 32x32
// Balanced on paper, and too short for either bound: what counts is that all multiprocessors work
// and that a block's chain of loads is short. Partial sums of dense1 forward: 1.2 MB, which stay in
// L2. Large square matrices are bound by arithmetic: a 128x128 tile does 32 operations for
// each byte that it reads from L2.
//
// Registers on sm_90 and what they leave room for (65,536 registers, 228 KB shared memory an SM):
//   matmul_128x128_f32   128 registers  16.9 KB   2 blocks = 16 warps, 25 %
//   matmul_64x64_f32      96 registers  16.6 KB   5 blocks = 20 warps, 31 %
//   matmul_32x32_f32     127 registers  16.5 KB   8 blocks = 16 warps, 25 %
//   split_k_sum_f32       25 registers   1.0 KB   8 blocks = 64 warps, 100 %
// Low occupancy is enough: a warp has 16 to 64 independent multiply-adds at every step of k.
#include "gridstride.cuh"

typedef Tile<128, 128, 8, 8, 8> Large;
typedef Tile<64, 64, 16, 8, 4> Medium;
typedef Tile<32, 32, 32, 4, 4> Small;

// Sizes and options, as in the kernels' parameters.
struct Product {
  const float *a, *b, *bias;
  int m, n, k, k_per_split;
  i64 split_pitch;
  bool transpose_a, transpose_b, relu;
};

template <class T, bool TRANSPOSE_A, bool TRANSPOSE_B>
__device__ __forceinline__ void multiply_tile(float* y, float* sums, const Product& p, float* shared) {
  const int first_row = blockIdx.x * T::ROWS, first_col = blockIdx.y * T::COLS;
  const int k_begin = blockIdx.z * p.k_per_split;
  const int k_end = p.k - k_begin < p.k_per_split ? p.k : k_begin + p.k_per_split;
  const bool with_sums = sums != nullptr && blockIdx.y == 0;

  // Rows of a and columns of b, both as "rows by k": a row-major a lies along k, a row-major b does not.
  typedef Quads<T::ROWS, T::DEPTH, T::THREADS, !TRANSPOSE_A> AQuads;
  typedef Quads<T::COLS, T::DEPTH, T::THREADS, TRANSPOSE_B> BQuads;
  MatrixOperand<AQuads> rows(p.a, TRANSPOSE_A ? p.m : p.k, first_row, p.m, k_begin, k_end);
  MatrixOperand<BQuads> cols(p.b, TRANSPOSE_B ? p.k : p.n, first_col, p.n, k_begin, k_end);

  float c[T::THREAD_ROWS][T::THREAD_COLS];
  multiply<T>(c, with_sums, rows, cols, ceil_div(k_end - k_begin, T::DEPTH), shared);

  y += blockIdx.z * p.split_pitch;
  const bool whole = p.n % 4 == 0 && aligned16(y);
  store_tile<T>(c, first_row, first_col, p.m, p.n, p.bias, p.relu, whole, [&](int row) { return y + static_cast<i64>(row) * p.n; });
  const int row = first_row + threadIdx.x;
  if (with_sums && threadIdx.x < T::ROWS && row < p.m) sums[blockIdx.z * p.split_pitch + row] = row_sum<T>(shared);
}

template <class T>
__device__ __forceinline__ void matmul(float* y, float* sums, const Product& p, float* shared) {
  if (p.transpose_a) {
    if (p.transpose_b) {
      multiply_tile<T, true, true>(y, sums, p, shared);
    } else {
      multiply_tile<T, true, false>(y, sums, p, shared);
    }
  } else if (p.transpose_b) {
    multiply_tile<T, false, true>(y, sums, p, shared);
  } else {
    multiply_tile<T, false, false>(y, sums, p, shared);
  }
}

// The three kernels have the same contract.
// Grid (ceil(m / tile rows), ceil(n / tile columns), splits), splits = ceil(k / k_per_split); block: the
// tile's threads. k_per_split is a multiple of 32, or at least k. With one split: bias and ReLU
// apply. With more: y and sums are the first split's part of partial results split_pitch floats
// apart, bias is null and relu 0. `sums` is null if not wanted. Any alignment and any sizes from 1; the
// 128-bit paths need a, b, y aligned to 16, row lengths (and split_pitch) that divide by 4.
extern "C" __global__ void __launch_bounds__(Large::THREADS, 2)
    matmul_128x128_f32(float* y,           // [m, n]
                       float* sums,        // [m], or null
                       const float* a,     // [m, k], or [k, m] if transpose_a
                       const float* b,     // [k, n], or [n, k] if transpose_b
                       const float* bias,  // [n], or null
                       int m, int n, int k, int k_per_split, i64 split_pitch, int transpose_a, int transpose_b, int relu) {
  __shared__ __align__(16) float shared[Large::FLOATS];
  matmul<Large>(y, sums, {a, b, bias, m, n, k, k_per_split, split_pitch, transpose_a != 0, transpose_b != 0, relu != 0}, shared);
}

extern "C" __global__ void __launch_bounds__(Medium::THREADS)
    matmul_64x64_f32(float* y, float* sums, const float* a, const float* b, const float* bias, int m, int n, int k, int k_per_split, i64 split_pitch, int transpose_a, int transpose_b, int relu) {
  __shared__ __align__(16) float shared[Medium::FLOATS];
  matmul<Medium>(y, sums, {a, b, bias, m, n, k, k_per_split, split_pitch, transpose_a != 0, transpose_b != 0, relu != 0}, shared);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS)
    matmul_32x32_f32(float* y, float* sums, const float* a, const float* b, const float* bias, int m, int n, int k, int k_per_split, i64 split_pitch, int transpose_a, int transpose_b, int relu) {
  __shared__ __align__(16) float shared[Small::FLOATS];
  matmul<Small>(y, sums, {a, b, bias, m, n, k, k_per_split, split_pitch, transpose_a != 0, transpose_b != 0, relu != 0}, shared);
}

// Second stage of a split product, also of conv2d.cu's: adds the partial results in a fixed order.
//
//   y[i] = act(sum over s of partials[s, i] + bias[i % n])     i < count
//   sums[j] = sum over s of partials[s, count + j]             j < sum_count
//
// Grid (ceil((count + sum_count) / 32)), block (32, w), w from 1 to 8: thread row t adds every w-th
// split, so that even hundreds of splits of a small matrix are read in parallel; then row 0 adds the
// w results. A warp reads 128 neighbouring bytes.
constexpr int SUM_COLS = 32, SUM_ROWS = 8;

extern "C" __global__ void __launch_bounds__(SUM_COLS * SUM_ROWS)
    split_k_sum_f32(float* y,               // [count]
                    float* sums,            // [sum_count]
                    const float* partials,  // [splits, split_pitch], split_pitch >= count + sum_count
                    const float* bias,      // [n], or null
                    i64 count, int n, int sum_count, int splits, i64 split_pitch, int relu) {
  __shared__ float shared[SUM_ROWS][SUM_COLS];
  const i64 i = static_cast<i64>(blockIdx.x) * SUM_COLS + threadIdx.x;
  const bool inside = i < count + sum_count;
  float v = 0;
  if (inside) {
#pragma unroll 8
    for (int s = threadIdx.y; s < splits; s += blockDim.y) v += partials[s * split_pitch + i];
  }
  shared[threadIdx.y][threadIdx.x] = v;
  __syncthreads();
  if (threadIdx.y > 0 || !inside) return;
  for (int row = 1; row < static_cast<int>(blockDim.y); row++) v += shared[row][threadIdx.x];
  if (i >= count) {
    sums[i - count] = v;
  } else {
    if (bias != nullptr) v += bias[i % n];
    y[i] = relu && v < 0 ? 0 : v;  // keeps NaN
  }
}
