// The next batch of a data set, augmented; and the shuffle by itself.
//
//   position = cursor + slot;  epoch = position / count
//   sample   = shuffled ? permuted(seed, epoch, count, position % count) : position % count
//   y[slot]  = trim(cut_out(normalise(scale(shift(flip(samples[sample]))))))
//
//   flip      mirrors the columns: never; at random; or one random half of the samples in even epochs
//             and the other half in odd ones (Jordan, "94% on CIFAR-10 in 3.29 Seconds", 2024)
//   shift     pixel (row, column) is taken from (row + up, column + left), mirrored at the edges
//   scale     (scale * x - mean[channel]) * inverse_std[channel]; scale is 1/255 for bytes
//   cut_out   zeros in a square round a random pixel, clipped at the edges
//   trim      rows at the bottom and columns on the right are left out
//
// Every choice is a word of a Philox block of (sample, epoch), so that a resumed run, or another
// device, gets the same batches. The cursor is read on the device; a recorded step can be replayed.
// The shuffle is a permutation that is computed, not stored (`permuted` in gridstride.cuh).
// Deterministic.
//
// Images are [count, height, width, channels] in memory, bytes or float32. Data of any other rank are
// rows: height 1, width 1, `channels` elements, `inner` of which share a mean.
//
// A data set too large for the device is not there whole: `samples` is then a ring of the rows that
// are on their way through, [sample_ring, channels, height, width] as on the host, so that the host
// copies rows whole, and row `position % sample_ring` holds the sample of that position. The host puts
// it there before the launch. So too the labels, by `label_ring`. Which sample it is, and all that is
// drawn for it, stay the same, and so do the bits of y.
//
// Evidence. The reference job's batch, 64 images of 3x32x32 bytes: 0.20 MB read, 0.79 MB written,
// 0.3 us at 3.35 TB/s. The bound is latency: the permutation is a chain of 8 Philox blocks a walk, at
// most 4 walks on average, about 1,600 cycles each, 1 to 4 us. So a block draws once for its
// sample, by one thread, and 192 blocks do so at the same time; a kernel that writes the plan
// first would wait as long, and then for a second launch. Reads of a warp are 32 consecutive bytes (of
// a flipped row, backwards), writes 128 consecutive bytes. The division of an element's index into
// row, column and channel, some 60 instructions, hides behind the loads. Registers on sm_90:
// fetch_batch 36, so 6 blocks fit an
// SM, 792 the card; shuffle_i32 22. From a ring a warp reads not one run of bytes but one in each
// channel, 3 of 11 for an image in colour: as many sectors again at most, of a quarter of the traffic.
//
// Launch: block 256; fetch_batch: grid (batch, ceil(rows * columns * channels / 1024)); shuffle_i32: grid
// ceil(count / 256). Static shared memory 32 bytes. No alignment beyond the element's.
#include "gridstride.cuh"

constexpr int THREADS = 256;
constexpr int ELEMENTS_PER_BLOCK = 4 * THREADS;

// How samples are mirrored; 0 is never.
constexpr int FLIP_RANDOM = 1;
constexpr int FLIP_ALTERNATING = 2;

// What chance decides for one sample in one epoch.
struct Plan {
  int sample_row, label_row;  // where it and its label are
  int flip;
  int up, left;
  int cut_top, cut_left;
};

__device__ __forceinline__ bool top_bit(u32 word) { return word >> 31 != 0; }

__device__ Plan draw(i64 position, int count, int height, int width, int sample_ring, int label_ring, int shuffled, u64 seed, int flip, int shift, int cutout) {
  Plan plan = {};
  u64 epoch = static_cast<u64>(position / count);
  int place = static_cast<int>(position % count);
  int number = shuffled ? permuted(seed, epoch, count, place) : place;
  plan.sample_row = sample_ring > 0 ? static_cast<int>(position % sample_ring) : number;
  plan.label_row = label_ring > 0 ? static_cast<int>(position % label_ring) : number;
  u64 key = ~seed, sample = static_cast<u64>(number);
  if (flip == FLIP_RANDOM || shift > 0) {
    uint4 move = philox4(key, sample, 2 * epoch);
    plan.flip = flip == FLIP_RANDOM && top_bit(move.x);
    plan.up = below(move.y, 2 * shift + 1) - shift;
    plan.left = below(move.z, 2 * shift + 1) - shift;
  }
  if (flip == FLIP_ALTERNATING) plan.flip = top_bit(philox4(key, sample, 0).x) == (epoch % 2 == 0);
  if (cutout > 0) {
    uint4 centre = philox4(key, sample, 2 * epoch + 1);
    plan.cut_top = below(centre.x, height) - cutout / 2;
    plan.cut_left = below(centre.y, width) - cutout / 2;
  }
  return plan;
}

// Reflection at the edges, which are not repeated: ... 2 1 0 1 2 ...
__device__ __forceinline__ int mirrored(int i, int extent) { return i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i; }

template <typename T>
__device__ __forceinline__ void fetch_batch(
    float* y, u32* y_labels, const T* samples, const u32* labels, const i64* cursor, const float* mean, const float* inverse_std,
    int count, int height, int width, int channels, int inner, int rows, int columns, int label_words, int sample_ring, int label_ring,
    float scale, int shuffled, i64 seed, int flip, int shift, int cutout) {
  __shared__ Plan plan;
  const int slot = blockIdx.x;
  if (threadIdx.x == 0) plan = draw(*cursor + slot, count, height, width, sample_ring, label_ring, shuffled, static_cast<u64>(seed), flip, shift, cutout);
  __syncthreads();

  if (blockIdx.y == 0) {
    for (int i = threadIdx.x; i < label_words; i += THREADS) y_labels[static_cast<i64>(slot) * label_words + i] = labels[static_cast<i64>(plan.label_row) * label_words + i];
  }

  const T* image = samples + static_cast<i64>(plan.sample_row) * height * width * channels;
  const int pixel_stride = sample_ring > 0 ? 1 : channels;
  const int channel_stride = sample_ring > 0 ? height * width : 1;
  const i64 size = static_cast<i64>(rows) * columns * channels;
  float* to = y + slot * size;
  const i64 start = static_cast<i64>(blockIdx.y) * ELEMENTS_PER_BLOCK;
#pragma unroll
  for (int step = 0; step < ELEMENTS_PER_BLOCK; step += THREADS) {
    i64 i = start + step + threadIdx.x;
    if (i >= size) break;
    u32 pixel = static_cast<u32>(i) / static_cast<u32>(channels);
    int channel = static_cast<int>(static_cast<u32>(i) - pixel * channels);
    int row = static_cast<int>(pixel / static_cast<u32>(columns));
    int column = static_cast<int>(pixel - row * static_cast<u32>(columns));
    float value = 0.0f;
    bool cut = row >= plan.cut_top && row < plan.cut_top + cutout && column >= plan.cut_left && column < plan.cut_left + cutout;
    if (!cut) {
      int from_row = mirrored(row + plan.up, height);
      int from_column = mirrored(column + plan.left, width);
      if (plan.flip) from_column = width - 1 - from_column;
      value = static_cast<float>(image[(from_row * width + from_column) * pixel_stride + channel * channel_stride]) * scale;
      if (mean != nullptr) value = (value - mean[channel / inner]) * inverse_std[channel / inner];
    }
    to[i] = value;
  }
}

extern "C" __global__ void __launch_bounds__(THREADS) fetch_batch_u8(
    float* y,                  // [batch, rows, columns, channels]
    u32* y_labels,             // [batch, label_words]
    const u8* samples,         // [count, height, width, channels], or [sample_ring, channels, height, width]
    const u32* labels,         // [count or label_ring, label_words]: int32 or float32, copied as they are
    const i64* cursor,         // scalar: position of slot 0
    const float* mean,         // [channels / inner], or null for no normalisation
    const float* inverse_std,  // [channels / inner], or null
    int count, int height, int width, int channels, int inner, int rows, int columns, int label_words,
    int sample_ring,  // rows that `samples` has if it is a ring; 0 if it is the whole set
    int label_ring,   // the same of `labels`
    float scale, int shuffled, i64 seed, int flip, int shift, int cutout) {
  fetch_batch(y, y_labels, samples, labels, cursor, mean, inverse_std, count, height, width, channels, inner, rows, columns, label_words, sample_ring, label_ring, scale, shuffled, seed, flip, shift, cutout);
}

// The same of float32 samples.
extern "C" __global__ void __launch_bounds__(THREADS) fetch_batch_f32(
    float* y, u32* y_labels, const float* samples, const u32* labels, const i64* cursor, const float* mean, const float* inverse_std,
    int count, int height, int width, int channels, int inner, int rows, int columns, int label_words, int sample_ring, int label_ring,
    float scale, int shuffled, i64 seed, int flip, int shift, int cutout) {
  fetch_batch(y, y_labels, samples, labels, cursor, mean, inverse_std, count, height, width, channels, inner, rows, columns, label_words, sample_ring, label_ring, scale, shuffled, seed, flip, shift, cutout);
}

// The order of an epoch, for whoever wants to see or store it: order[i] is the sample at place i.
extern "C" __global__ void __launch_bounds__(THREADS) shuffle_i32(
    int* order,  // [count]
    int count, i64 seed, i64 epoch) {
  i64 i = thread_number();
  if (i < count) order[i] = permuted(static_cast<u64>(seed), static_cast<u64>(epoch), count, static_cast<int>(i));
}
