// Kernels for executor_test: one for each thing that the executor does.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "gridstride.cuh"

namespace {

constexpr int THREADS = 128;

template <typename T>
__device__ T twice(T v) {
  return v + v;
}

}  // namespace

// Where each thread is: x + 10 y + 100 z of the thread, 1000 and up of the block.
extern "C" __global__ void indices(int* y) {
  int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  int threads = blockDim.x * blockDim.y * blockDim.z;
  y[block * threads + thread] = threadIdx.x + 10 * threadIdx.y + 100 * threadIdx.z + 1000 * (blockIdx.x + 10 * blockIdx.y + 100 * blockIdx.z);
}

// The bounds come from an expression; the kernel is in a namespace and has no C linkage.
namespace deep {
namespace inside {
__global__ void __launch_bounds__(::THREADS / 2, 2) doubled(float* y, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = twice(x[i]);
}
}  // namespace inside
}  // namespace deep

struct Pair {
  double a;
  char b;
};

extern "C" __global__ void parameters(double* y, Pair pair, char c, long long l, float f, unsigned char u) {
  y[0] = pair.a;
  y[1] = pair.b;
  y[2] = c;
  y[3] = static_cast<double>(l);
  y[4] = f;
  y[5] = u;
}

// Sums of a block by static shared memory, dynamic shared memory, and a count of the barrier.
extern "C" __global__ void __launch_bounds__(THREADS) block_sums(int* y, const int* x) {
  __shared__ int tile[THREADS];
  extern __shared__ int dynamic[];
  int i = threadIdx.x;
  tile[i] = x[i];
  dynamic[blockDim.x - 1 - i] = x[i];
  __syncthreads();
  int a = 0, b = 0;
  for (unsigned j = 0; j < blockDim.x; j++) {
    a += tile[j];
    b += dynamic[j];
  }
  int odd = __syncthreads_count(x[i] % 2);
  int all = __syncthreads_and(x[i] < 1000), any = __syncthreads_or(x[i] == 7);
  int* to = y + 5 * i;
  to[0] = a;
  to[1] = b;
  to[2] = odd;
  to[3] = all;
  to[4] = any;
}

// Many barriers: a value goes round the block.
extern "C" __global__ void rounds(int* y, int n) {
  __shared__ int ring[THREADS];
  int i = threadIdx.x, size = blockDim.x;
  ring[i] = i;
  __syncthreads();
  for (int r = 0; r < n; r++) {
    int v = ring[(i + 1) % size];
    __syncthreads();
    ring[i] = v;
    __syncthreads();
  }
  y[i] = ring[i];
}

extern "C" __global__ void shuffles(int* y) {
  int i = threadIdx.x, lane = i % 32;
  int* to = y + 12 * i;
  to[0] = __shfl_sync(ALL_LANES, i, 3);
  to[1] = __shfl_sync(ALL_LANES, i, 3, 8);
  to[2] = __shfl_up_sync(ALL_LANES, i, 2);
  to[3] = __shfl_down_sync(ALL_LANES, i, 2);
  to[4] = __shfl_down_sync(ALL_LANES, i, 2, 4);
  to[5] = __shfl_xor_sync(ALL_LANES, i, 5);
  to[6] = static_cast<int>(__shfl_xor_sync(ALL_LANES, static_cast<double>(i) * 0x1p40, 1) * 0x1p-40);
  to[7] = static_cast<int>(__ballot_sync(ALL_LANES, lane % 3 == 0));
  to[8] = __all_sync(ALL_LANES, lane < 32) + 2 * __any_sync(ALL_LANES, lane == 40);
  to[9] = static_cast<int>(__match_any_sync(ALL_LANES, lane / 8));
  to[10] = __reduce_add_sync(ALL_LANES, lane);
  // Half warps at different times.
  unsigned mask = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  if (lane < 16) {
    to[11] = __reduce_max_sync(mask, i);
  } else {
    to[11] = __reduce_min_sync(mask, i);
  }
}

// A warp that is not full: lanes that do not exist are no part of it.
extern "C" __global__ void ragged_warp(int* y) {
  y[threadIdx.x] = static_cast<int>(__ballot_sync(ALL_LANES, 1));
  __syncwarp();
}

// Early exit before a ballot, which CUDA allows.
extern "C" __global__ void ballot_after_exit(int* y) {
  if (threadIdx.x % 4 == 3) return;
  y[threadIdx.x] = static_cast<int>(__ballot_sync(ALL_LANES, 1));
}

// Asynchronous copies in two groups: what is there before and after each wait.
extern "C" __global__ void late_copies(int* y, const int* x) {
  __shared__ int tile[2 * THREADS];
  int i = threadIdx.x;
  copy_async_4(&tile[i], &x[i]);
  copy_async_commit();
  copy_async_4(&tile[THREADS + i], &x[THREADS + i], i % 2 == 0);
  copy_async_commit();
  copy_async_wait<1>();
  y[2 * i] = tile[i];
  copy_async_wait<0>();
  y[2 * i + 1] = tile[THREADS + i];
}

// The same without the waits: the copies have not arrived. (An error for the checker.)
extern "C" __global__ void forgotten_wait(int* y, const int* x) {
  __shared__ int tile[THREADS];
  int i = threadIdx.x;
  copy_async_4(&tile[i], &x[i]);
  copy_async_commit();
  y[i] = tile[i];
}

// One warp: d[16][8] = a[16][16] b[16][8], by ldmatrix and mma. a row-major, b row-major (k, n).
extern "C" __global__ void product_bf16(float* d, const unsigned short* a, const unsigned short* b) {
  __shared__ __align__(16) unsigned short as[16][16], bs[16][8];
  int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32) as[i / 16][i % 16] = a[i];
  for (int i = lane; i < 128; i += 32) bs[i / 8][i % 8] = b[i];
  __syncwarp();
  u32 fa[4], fb[4];
  // a: four 8x8 matrices: rows 0-7 and 8-15 of columns 0-7, then of columns 8-15
  ldmatrix_x4(fa, &as[lane % 8 + (lane / 8 % 2) * 8][lane / 16 * 8]);
  ldmatrix_x4_trans(fb, &bs[lane % 16][0]);
  float sum[4] = {};
  u32 pair[2] = {fb[0], fb[1]};
  mma_m16n8k16_bf16(sum, fa, pair);
  int row = lane / 4, column = lane % 4 * 2;
  d[row * 8 + column] = sum[0];
  d[row * 8 + column + 1] = sum[1];
  d[(row + 8) * 8 + column] = sum[2];
  d[(row + 8) * 8 + column + 1] = sum[3];
}

// One warp: d[16][8] = a[16][8] b[8][8], TF32.
extern "C" __global__ void product_tf32(float* d, const float* a, const float* b) {
  int lane = threadIdx.x, group = lane / 4, member = lane % 4;
  u32 fa[4], fb[2];
  for (int i = 0; i < 4; i++) fa[i] = to_tf32(a[(group + i % 2 * 8) * 8 + member + i / 2 * 4]);
  for (int i = 0; i < 2; i++) fb[i] = to_tf32(b[(member + i * 4) * 8 + group]);
  float sum[4] = {};
  mma_m16n8k8_tf32(sum, fa, fb);
  for (int i = 0; i < 4; i++) d[(group + i / 2 * 8) * 8 + member * 2 + i % 2] = sum[i];
}

extern "C" __global__ void atomics(int* y, unsigned* u, float* f) {
  atomicAdd(&y[0], static_cast<int>(threadIdx.x));
  atomicMax(&y[1], static_cast<int>(threadIdx.x));
  atomicCAS(&y[2], 0, 1);
  atomicInc(&u[0], 9);
  atomicAdd(f, 1.0f);
}

// The last block to finish sums what all have written (Threadfence reduction).
__device__ unsigned finished = 0;

extern "C" __global__ void last_block(int* y, int* parts) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = static_cast<int>(blockIdx.x) + 1;
    __threadfence();
    last = atomicAdd(&finished, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    int sum = 0;
    for (unsigned i = 0; i < gridDim.x; i++) sum += parts[i];
    y[0] = sum;
    finished = 0;
  }
}

// Order in which threads and blocks begin.
extern "C" __global__ void begin_order(int* y, int* next) {
  y[atomicAdd(next, 1)] = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
}

// What shared memory holds when a block begins. (An error for the checker.)
extern "C" __global__ void fresh_shared(unsigned* y) {
  __shared__ unsigned tile[THREADS];
  y[blockIdx.x * blockDim.x + threadIdx.x] = tile[threadIdx.x];
  tile[threadIdx.x] = 5;
}

extern "C" __global__ void wild_pointer(int* y) { *reinterpret_cast<int*>(reinterpret_cast<size_t>(y) & 7u) = 1; }
extern "C" __global__ void division(int* y, int n) { y[0] = 7 / n; }
extern "C" __global__ void trap() { __trap(); }
extern "C" __global__ void assertion(int n) { assert(n == 3); }
extern "C" __global__ void nothing() {}

__device__ __noinline__ int deep_call(int n, volatile int* sink) {
  volatile int room[256];
  room[n & 255] = n;
  *sink = n;
  return n == 0 ? 0 : deep_call(n - 1, sink) + room[n & 255];
}
extern "C" __global__ void deep_stack(int* y, int n) { y[0] = deep_call(n, y); }

// Each of the 65,536 halves and bfloat16s to float and back, and some arithmetic.
extern "C" __global__ void small_floats(unsigned short* h, unsigned short* b, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  h[i] = __half_as_ushort(__float2half(__half2float(__ushort_as_half(static_cast<unsigned short>(i)))));
  b[i] = __bfloat16_as_ushort(__float2bfloat16(__bfloat162float(__ushort_as_bfloat16(static_cast<unsigned short>(i)))));
  if (i != 0) return;
  half2 pair = __hfma2(__floats2half2_rn(1.5f, 2.0f), __float2half2_rn(3.0f), make_half2(half(0.25f), half(-1.0f)));
  y[0] = __low2float(pair);
  y[1] = __high2float(pair);
  y[2] = __half2float(half(1.0f) + half(0x1p-11f));   // a tie: to even
  y[3] = __half2float(half(1.0f) + half(0x1.8p-11f));
  y[4] = __half2float(__float2half(65519.0f));        // the largest half
  y[5] = __half2float(__float2half(65520.0f));        // infinity
  y[6] = __half2float(__float2half(0x1p-25f));        // half of the smallest: to even, 0
  y[7] = __half2float(__float2half(0x1.8p-25f));      // the smallest
  y[8] = __bfloat162float(__nv_bfloat16(1.0f) + __nv_bfloat16(0x1p-8f));
  y[9] = __half2float(__hmax(half(-2.0f), half(3.0f)));
}
