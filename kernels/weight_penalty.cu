// L1 and L2 terms of a loss, as Keras defines them, and their gradient.
//
//   forward:  loss = l1 * sum |w| + l2 * sum w^2
//   backward: dw = g * (l1 * sign(w) + 2 * l2 * w), sign(0) = 0, g the gradient of the loss
//
// w is n elements in any order. Deterministic: the sum has two stages, a partial sum for each 4,096
// elements and the sum of those (sum_f32 in reduce.cu), both in an order that depends on n only, so all
// devices agree.
//
// Evidence. Forward 4 bytes and 4 operations an element, backward 8 bytes and 5: memory is the bound.
// At the reference job's largest weight, dense 2304x128 = 294,912: forward 1.2 MB, 0.35 us at 3.35
// TB/s, in 72 blocks, backward 2.4 MB, 0.70 us; both below a launch's own cost. A thread of the first
// stage reads four times 128 bits, 4 KB apart, all under way together. Registers on sm_90: partial 26,
// backward 22; occupancy is full.
//
// Launch: block 256; weight_penalty_partial_f32: grid ceil(n / 4096), and where that is 1, the partial
// sum is the loss; weight_penalty_backward_f32: grid ceil(n / 1024). Static shared memory 32 bytes.
// Any alignment; 16 is fastest.
#include "gridstride.cuh"

constexpr int THREADS = 256;
constexpr int PER_THREAD = 4;
constexpr int LOADS = 4;  // of four elements each, in a thread of the first stage

extern "C" __global__ void __launch_bounds__(THREADS) weight_penalty_partial_f32(
    float* partial,  // [ceil(n / 4096)]
    const float* w,  // [n]
    i64 n, float l1, float l2) {
  __shared__ float scratch[THREADS / WARP];
  float4 v[LOADS];
  i64 start = static_cast<i64>(blockIdx.x) * (THREADS * PER_THREAD * LOADS) + threadIdx.x * PER_THREAD;
#pragma unroll
  for (int j = 0; j < LOADS; j++) {
    i64 i = start + j * (THREADS * PER_THREAD);
    v[j] = i < n ? load4_ragged(w + i, n - i) : make_float4(0, 0, 0, 0);
  }
  float absolute = 0, square = 0;
#pragma unroll
  for (int j = 0; j < LOADS; j++) {
    absolute += (fabsf(v[j].x) + fabsf(v[j].y)) + (fabsf(v[j].z) + fabsf(v[j].w));
    square += (v[j].x * v[j].x + v[j].y * v[j].y) + (v[j].z * v[j].z + v[j].w * v[j].w);
  }
  float sum = block_sum<THREADS>(l1 * absolute + l2 * square, scratch);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// dw / g for one weight. Of NaN, NaN: its sign counts as 0, but 2 * l2 * NaN is NaN for any l2.
__device__ __forceinline__ float slope(float w, float l1, float l2) {
  float sign = w > 0.0f ? 1.0f : w < 0.0f ? -1.0f : 0.0f;
  return l1 * sign + 2.0f * l2 * w;
}

extern "C" __global__ void __launch_bounds__(THREADS) weight_penalty_backward_f32(
    float* dw,       // [n]
    const float* w,  // [n]
    const float* g,  // scalar
    i64 n, float l1, float l2) {
  i64 i = thread_number() * PER_THREAD;
  if (i >= n) return;
  float4 v = load4_ragged(w + i, n - i);
  float gradient = *g;
  store4_ragged(dw + i, make_float4(gradient * slope(v.x, l1, l2), gradient * slope(v.y, l1, l2), gradient * slope(v.z, l1, l2), gradient * slope(v.w, l1, l2)), n - i);
}
