// Inverted dropout: y[i] = u[i] < rate ? 0 : x[i] * scale, scale = 1 / (1 - rate).
//
// u[i] is uniform in [0, 1): word i % 4 of the Philox block at counter (i / 4, step) under the key
// `seed`, i being the row-major index of the element in its logical shape, [N,C,H,W] for an image.
// So the mask is a pure function of seed, step and place. The backward pass is the same kernel,
// applied to dy: nothing is stored. y may be x. Source: Srivastava et al., "Dropout" (JMLR 2014);
// Philox 4x32-10: Salmon et al. (SC 2011). Deterministic.
//
// dropout_f32 is for tensors whose memory order is their logical order; dropout_nhwc_f32 for images
// stored channels-last. Both give one Philox block, ten rounds, to a thread, which uses all four of
// its words.
//
// Evidence. 8 bytes an element; Philox costs 10 rounds of two 32x32-bit products and two three-way
// xors. After the reference job's dense layer (64x128 = 8,192 elements): 65.5 KB, below a launch's own
// cost. After its conv1 (1,843,200 elements): 14.7 MB, 4.4 us at 3.35 TB/s; dropout_f32 has 184
// instructions in all, which for 460,800 threads are 3.0 us at 132 SMs x 128 lanes x 1.7 GHz: memory is
// the bound. Registers on sm_90: dropout_f32 22, dropout_nhwc_f32 26; occupancy is full.
//
// Launch: block 256. dropout_f32: grid ceil(n / 1024). dropout_nhwc_f32: grid
// ceil(batch * groups * channels / 256), groups = plane / 4 where 4 divides the plane, else
// (plane + 6) / 4. No shared memory. Any alignment.
#include "gridstride.cuh"

constexpr int THREADS = 256;
constexpr int PER_BLOCK = 4;  // elements that share a Philox block

__device__ __forceinline__ float drop(float x, u32 word, float rate, float scale) { return uniform(word) < rate ? 0.0f : x * scale; }

extern "C" __global__ void __launch_bounds__(THREADS) dropout_f32(
    float* y,         // [n]
    const float* x,   // [n]
    const i64* step,  // scalar
    i64 n, float rate, float scale, i64 seed) {
  i64 i = thread_number() * PER_BLOCK;
  if (i >= n) return;
  float4 v = load4_ragged(x + i, n - i);
  uint4 word = philox4(static_cast<u64>(seed), static_cast<u64>(i / PER_BLOCK), static_cast<u64>(*step));
  v.x = drop(v.x, word.x, rate, scale);
  v.y = drop(v.y, word.y, rate, scale);
  v.z = drop(v.z, word.z, rate, scale);
  v.w = drop(v.w, word.w, rate, scale);
  store4_ragged(y + i, v, n - i);
}

// A thread takes the elements of one Philox block that lie in one plane (sample, channel): four
// pixels of one channel. Neighbouring threads take neighbouring channels, which lie side by side.
// Where 4 does not divide the plane, a plane begins and ends inside a block, which two threads then
// compute; hence up to (plane + 6) / 4 blocks a plane.
extern "C" __global__ void __launch_bounds__(THREADS) dropout_nhwc_f32(
    float* y,         // [batch, plane, channels]
    const float* x,   // [batch, plane, channels]
    const i64* step,  // scalar
    int batch, int channels, int plane, int groups, float rate, float scale, i64 seed) {
  i64 thread = thread_number();
  int channel = static_cast<int>(thread % channels);
  i64 rest = thread / channels;
  int group = static_cast<int>(rest % groups);
  i64 sample = rest / groups;
  if (sample >= batch) return;
  i64 first = (sample * channels + channel) * plane;  // logical index of the plane's first element
  i64 block = first / PER_BLOCK + group;
  uint4 word = philox4(static_cast<u64>(seed), static_cast<u64>(block), static_cast<u64>(*step));
  const u32 words[PER_BLOCK] = {word.x, word.y, word.z, word.w};
#pragma unroll
  for (int j = 0; j < PER_BLOCK; j++) {
    i64 pixel = block * PER_BLOCK + j - first;
    if (pixel >= 0 && pixel < plane) {
      i64 at = (sample * plane + pixel) * channels + channel;
      y[at] = drop(x[at], words[j], rate, scale);
    }
  }
}
