// Ops that treat each element by itself.
//
//   fill:          y = value
//   add:           y = a + b
//   relu:          y = max(x, 0); of NaN, 0
//   relu_backward: dx = y > 0 ? dy : 0, read off the output, so 0 at 0
//   bias_add:      y = x + b[channel]
//
// Any shape: tensors are n elements in the order in which they lie in memory, the same for all
// operands. An output may be one of the inputs. Deterministic; there is no reduction.
//
// Evidence. A thread takes four elements through one 128-bit load an operand, so a warp moves 512
// consecutive bytes at a time; add moves 12 bytes for one operation, relu 8, and nothing is used
// twice, so memory is the bound. At the reference job's largest activation, conv1's 64x32x30x30 =
// 1,843,200 elements: add 22.1 MB, 6.6 us at 3.35 TB/s; relu_backward the same; relu and bias_add
// 14.7 MB, 4.4 us; fill 7.4 MB, 2.2 us. 1,800 blocks of 256: 1.7 times what 132 SMs hold. Registers
// on sm_90: fill 10, add and relu 17, relu_backward 18, bias_add 24; up to 32, 2,048 threads fit an
// SM, so occupancy is full, and 32 KB are in flight an SM for each operand, where 3.35 TB/s at 600 ns
// of latency need 15 KB.
//
// Launch: block 256; grid ceil(n / 1024). No shared memory. Addresses that are not
// multiples of 16, and the last n % 4 elements, go element by element.
#include "gridstride.cuh"

constexpr int THREADS = 256;
constexpr int PER_THREAD = 4;

extern "C" __global__ void __launch_bounds__(THREADS) fill_f32(
    float* y,  // [n]
    i64 n, float value) {
  i64 i = thread_number() * PER_THREAD;
  if (i < n) store4_ragged(y + i, make_float4(value, value, value, value), n - i);
}

extern "C" __global__ void __launch_bounds__(THREADS) add_f32(
    float* y,        // [n]
    const float* a,  // [n]
    const float* b,  // [n]
    i64 n) {
  i64 i = thread_number() * PER_THREAD;
  if (i >= n) return;
  float4 p = load4_ragged(a + i, n - i), q = load4_ragged(b + i, n - i);
  store4_ragged(y + i, make_float4(p.x + q.x, p.y + q.y, p.z + q.z, p.w + q.w), n - i);
}

extern "C" __global__ void __launch_bounds__(THREADS) relu_forward_f32(
    float* y,        // [n]
    const float* x,  // [n]
    i64 n) {
  i64 i = thread_number() * PER_THREAD;
  if (i >= n) return;
  float4 v = load4_ragged(x + i, n - i);
  store4_ragged(y + i, make_float4(fmaxf(v.x, 0.0f), fmaxf(v.y, 0.0f), fmaxf(v.z, 0.0f), fmaxf(v.w, 0.0f)), n - i);
}

extern "C" __global__ void __launch_bounds__(THREADS) relu_backward_f32(
    float* dx,        // [n]
    const float* dy,  // [n]
    const float* y,   // [n]
    i64 n) {
  i64 i = thread_number() * PER_THREAD;
  if (i >= n) return;
  float4 g = load4_ragged(dy + i, n - i), v = load4_ragged(y + i, n - i);
  store4_ragged(dx + i, make_float4(v.x > 0.0f ? g.x : 0.0f, v.y > 0.0f ? g.y : 0.0f, v.z > 0.0f ? g.z : 0.0f, v.w > 0.0f ? g.w : 0.0f), n - i);
}

// Element i belongs to channel i / inner % channels. inner is 1 where channels lie innermost: in
// [N,C] and in an image stored channels-last. The first element's channel takes a division, the
// next three count on from it.
extern "C" __global__ void __launch_bounds__(THREADS) bias_add_f32(
    float* y,        // [n]
    const float* x,  // [n]
    const float* b,  // [channels]
    i64 n, int channels, i64 inner) {
  i64 i = thread_number() * PER_THREAD;
  if (i >= n) return;
  float4 v = load4_ragged(x + i, n - i);
  i64 place = i % inner;
  int channel = static_cast<int>(i / inner % channels);
  float bias[PER_THREAD];
#pragma unroll
  for (int j = 0; j < PER_THREAD; j++) {
    bias[j] = b[channel];
    if (++place == inner) {
      place = 0;
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
  }
  store4_ragged(y + i, make_float4(v.x + bias[0], v.y + bias[1], v.z + bias[2], v.w + bias[3]), n - i);
}
