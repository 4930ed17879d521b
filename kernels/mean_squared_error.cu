// Mean squared error over all elements, and its gradient.
//
//   loss = 1 / count * sum over i of (x[i] - t[i])^2
//   dx[i] = 2 * g * (x[i] - t[i]) / count
//
// x, t, dx [count], any shape stored alike; g a scalar on the device. Forward writes one sum a chunk;
// sum_f32 in reduce.cu adds them up in a fixed order and takes the mean: the same bits every time.
//
// Bytes moved: forward 8 an element (3 operations), backward 12 (2 operations): memory-bound; a batch of
// 64 images of 3x32x32 is 1.6 and 2.4 MB, 0.5 and 0.7 us at 3.35 TB/s.
// sm_90, block 256:
//   mean_squared_error_forward_f32: 34 registers, 32 bytes shared, 6 blocks an SM (75 %)
//   mean_squared_error_backward_f32: 28 registers, 8 blocks an SM (100 %)
//
// Launch contract: block 256, grid (ceil(count / chunk)), chunk a multiple of 4; pointers aligned to 16.

#include "gridstride.cuh"

constexpr int THREADS = 256;

// The block's piece of the arrays; behind `whole` less than 4 elements are left.
struct Chunk {
  i64 begin, whole, end;

  __device__ __forceinline__ Chunk(i64 count, int chunk)
      : begin(static_cast<i64>(blockIdx.x) * chunk),
        whole(0),
        end(begin + chunk < count ? begin + chunk : count) {
    whole = begin + (end - begin) / 4 * 4;
  }
};

template <int V>
__device__ __forceinline__ float squared_error(const float* x, const float* t) {
  const Floats<V> a = load_floats<V>(x), b = load_floats<V>(t);
  float sum = 0;
  for (int j = 0; j < V; j++) sum += (a.at[j] - b.at[j]) * (a.at[j] - b.at[j]);
  return sum;
}

template <int V>
__device__ __forceinline__ void scaled_error(float* dx, const float* x, const float* t, float scale) {
  Floats<V> a = load_floats<V>(x);
  const Floats<V> b = load_floats<V>(t);
  for (int j = 0; j < V; j++) a.at[j] = scale * (a.at[j] - b.at[j]);
  store_floats<V>(dx, a);
}

// sums[chunk] = sum of (x - t)^2 over the chunk.
extern "C" __global__ void __launch_bounds__(THREADS)
    mean_squared_error_forward_f32(float* sums,     // [chunks]
                                   const float* x,  // [count]
                                   const float* t,  // [count]
                                   i64 count, int chunk) {
  __shared__ float scratch[THREADS / WARP];
  const Chunk c(count, chunk);
  float sum = 0;
#pragma unroll 4
  for (i64 i = c.begin + threadIdx.x * 4; i < c.whole; i += THREADS * 4) sum += squared_error<4>(x + i, t + i);
  const i64 left = c.whole + threadIdx.x;
  if (left < c.end) sum += squared_error<1>(x + left, t + left);
  sum = block_sum<THREADS>(sum, scratch);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// dx = g * factor * (x - t), factor 2 / count.
extern "C" __global__ void __launch_bounds__(THREADS)
    mean_squared_error_backward_f32(float* dx,       // [count]
                                    const float* x,  // [count]
                                    const float* t,  // [count]
                                    const float* g,  // scalar
                                    i64 count, int chunk, float factor) {
  const Chunk c(count, chunk);
  const float scale = *g * factor;
  for (i64 i = c.begin + threadIdx.x * 4; i < c.whole; i += THREADS * 4) scaled_error<4>(dx + i, x + i, t + i, scale);
  const i64 left = c.whole + threadIdx.x;
  if (left < c.end) scaled_error<1>(dx + left, x + left, t + left, scale);
}
