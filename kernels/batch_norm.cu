// Batch normalisation (Ioffe and Szegedy, 2015) over a matrix [rows, channels]: that is [N, C], and
// channels-last [N, H, W, C] with rows = N*H*W.
//
//   training    mean, variance (biased) of each column; y = gamma * (x - mean) / sqrt(variance + epsilon) + beta
//   inference   the same y with given mean and variance
//   backward    xh = (x - mean) / sqrt(variance + epsilon), dbeta = sum of dy, dgamma = sum of dy * xh,
//               dx = gamma / sqrt(variance + epsilon) * (dy - (dbeta + xh * dgamma) / rows)
//               with statistics of the batch, without the bracket's second term if they were given
//   average     average = (1 - momentum) * average + momentum * scale * value, in place
//
// Statistics in two stages. A block takes a chunk of rows; each thread takes tiles of 8 rows in
// registers, finds a tile's mean and then its sum of squared deviations M2 from that, and joins
// (count, mean, M2) to what it has (Chan, Golub and LeVeque, 1979); then the block joins its threads',
// and the second stage the blocks'. x is read once, and a mean far above the spread costs no digits,
// as it would in E(x^2) - mean^2. Everything in a fixed order: the same bits every time.
//
// Backward reads x and dy twice: first for dgamma and dbeta (by chunk, then in all), then for dx.
//
// A thread works on V channels, V = 4 in one 128-bit access if channels % 4 == 0, else 1;
// neighbouring threads on neighbouring channels and then rows: coalesced.
//
// At [64, 32, 32, 64]-> [65536, 64], 16.8 MB a tensor: training reads x twice and writes y, 50.3 MB;
// backward 5 tensors, 83.9 MB; about 1 operation a byte: memory-bound, 15.0 and 25.0 us at 3.35 TB/s
// (less where the second reading comes from L2).
// sm_90, block 256:
//   batch_norm_statistics_f32: 74 registers, 12,288 bytes shared, 3 blocks an SM (37 %)
//   batch_norm_merge_f32: 40 registers, 12,288 bytes shared, 6 blocks an SM (75 %)
//   batch_norm_inference_f32: 48 registers, 5 blocks an SM (62 %)
//   batch_norm_backward_reduce_f32: 48 registers, 10,240 bytes shared, 5 blocks an SM (62 %)
//   batch_norm_backward_merge_f32: 32 registers, 10,240 bytes shared, 8 blocks an SM (100 %)
//   batch_norm_backward_data_f32: 54 registers, 4 blocks an SM (50 %)
//   moving_average_f32: 14 registers, 8 blocks an SM (100 %)
//
// Launch contract, all but moving_average: block (w, 256 / w), w a power of two up to 32; grid (chunks,
// column tiles), a tile being w * V channels, chunks = ceil(rows / rows_per_chunk), 1 for the merges.
// Pointers aligned to 16.

#include "gridstride.cuh"

constexpr int THREADS = 256;
constexpr int TILE = 8;  // rows a thread holds at a time: 8 loads under way

// Rows of this block and channels of this thread.
struct Part {
  i64 begin, end;
  int channel;

  template <int V>
  static __device__ __forceinline__ Part of(i64 rows, int rows_per_chunk) {
    const i64 begin = static_cast<i64>(blockIdx.x) * rows_per_chunk;
    const i64 end = begin + rows_per_chunk < rows ? begin + rows_per_chunk : rows;
    return {begin, end, static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x) * V};
  }
};

// Statistics of some elements of V channels.
template <int V>
struct Moments {
  Floats<V> mean, m2;  // m2 = sum of (x - mean)^2
  float count;

  __device__ __forceinline__ void join(const Moments& other) {
    if (other.count == 0) return;
    const float all = count + other.count;
    const float weight = other.count / all;
    for (int j = 0; j < V; j++) {
      const float delta = other.mean.at[j] - mean.at[j];
      mean.at[j] += delta * weight;
      m2.at[j] += other.m2.at[j] + delta * delta * weight * count;
    }
    count = all;
  }

  static __device__ __forceinline__ Moments none() { return {same_floats<V>(0), same_floats<V>(0), 0}; }
};

// Moments of every thread of the block, in arrays without padding.
template <int V>
struct Shared {
  Floats<V> mean[THREADS], m2[THREADS];
  float count[THREADS];

  __device__ __forceinline__ void put(int thread, const Moments<V>& m) {
    mean[thread] = m.mean;
    m2[thread] = m.m2;
    count[thread] = m.count;
  }
  __device__ __forceinline__ Moments<V> get(int thread) const { return {mean[thread], m2[thread], count[thread]}; }
};

// Joins the moments of all threadIdx.y, as a tree; threadIdx.y == 0 gets the result.
template <int V>
__device__ __forceinline__ Moments<V> join_over_y(Moments<V> m, Shared<V>& scratch) {
  const int self = threadIdx.y * blockDim.x + threadIdx.x;
  scratch.put(self, m);
  for (int half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.y) < half) {
      m.join(scratch.get(self + half * blockDim.x));
      scratch.put(self, m);
    }
  }
  return m;
}

template <int V>
__device__ __forceinline__ Floats<V> deviation_reciprocal(const float* variance, float epsilon) {
  Floats<V> v = load_floats<V>(variance);
  for (int j = 0; j < V; j++) v.at[j] = 1.0f / sqrtf(v.at[j] + epsilon);
  return v;
}

template <int V>
__device__ __forceinline__ void statistics(float* partials, const float* x, i64 rows, int channels, int rows_per_chunk) {
  __shared__ Shared<V> scratch;
  const Part part = Part::of<V>(rows, rows_per_chunk);
  Moments<V> all = Moments<V>::none();
  if (part.channel < channels) {
    for (i64 row = part.begin + threadIdx.y; row < part.end; row += TILE * blockDim.y) {
      Floats<V> v[TILE];
      Moments<V> tile = Moments<V>::none();
#pragma unroll
      for (int i = 0; i < TILE; i++) {
        const i64 r = row + i * blockDim.y;
        const bool valid = r < part.end;
        v[i] = valid ? load_floats<V>(x + r * channels + part.channel) : same_floats<V>(0);
        tile.count += valid ? 1.0f : 0.0f;
      }
      for (int j = 0; j < V; j++) {
        float sum = 0;
#pragma unroll
        for (int i = 0; i < TILE; i++) sum += v[i].at[j];
        tile.mean.at[j] = sum / tile.count;
#pragma unroll
        for (int i = 0; i < TILE; i++) {
          const float delta = row + i * blockDim.y < part.end ? v[i].at[j] - tile.mean.at[j] : 0.0f;
          tile.m2.at[j] += delta * delta;
        }
      }
      all.join(tile);
    }
  }
  all = join_over_y(all, scratch);
  if (threadIdx.y == 0 && part.channel < channels) {
    float* to = partials + static_cast<i64>(blockIdx.x) * 2 * channels + part.channel;
    store_floats<V>(to, all.mean);
    store_floats<V>(to + channels, all.m2);
  }
}

template <int V>
__device__ __forceinline__ void merge(float* mean, float* variance, const float* partials, i64 rows, int channels, int rows_per_chunk, int chunks) {
  __shared__ Shared<V> scratch;
  const int channel = Part::of<V>(rows, rows_per_chunk).channel;
  Moments<V> all = Moments<V>::none();
  if (channel < channels) {
    for (int chunk = threadIdx.y; chunk < chunks; chunk += blockDim.y) {
      const float* from = partials + static_cast<i64>(chunk) * 2 * channels + channel;
      const i64 left = rows - static_cast<i64>(chunk) * rows_per_chunk;
      const float count = static_cast<float>(left < rows_per_chunk ? left : rows_per_chunk);
      all.join({load_floats<V>(from), load_floats<V>(from + channels), count});
    }
  }
  all = join_over_y(all, scratch);
  if (threadIdx.y == 0 && channel < channels) {
    for (int j = 0; j < V; j++) all.m2.at[j] /= static_cast<float>(rows);
    store_floats<V>(mean + channel, all.mean);
    store_floats<V>(variance + channel, all.m2);
  }
}

// Four rows are loaded before the first is stored.
template <int V>
__device__ __forceinline__ void inference(float* y, const float* x, const float* gamma, const float* beta, const float* mean, const float* variance, i64 rows, int channels, int rows_per_chunk, float epsilon) {
  const Part part = Part::of<V>(rows, rows_per_chunk);
  if (part.channel >= channels) return;
  const Floats<V> m = load_floats<V>(mean + part.channel), b = load_floats<V>(beta + part.channel);
  const Floats<V> g = load_floats<V>(gamma + part.channel);
  Floats<V> scale = deviation_reciprocal<V>(variance + part.channel, epsilon);
  for (int j = 0; j < V; j++) scale.at[j] *= g.at[j];

  constexpr int ROWS = 4;
  for (i64 row = part.begin + threadIdx.y; row < part.end; row += ROWS * blockDim.y) {
    Floats<V> v[ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const i64 r = row + i * blockDim.y;
      if (r < part.end) v[i] = load_floats<V>(x + r * channels + part.channel);
    }
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const i64 r = row + i * blockDim.y;
      if (r < part.end) {
        // Not x * scale + (beta - mean * scale), which loses digits where mean is far above the spread.
        for (int j = 0; j < V; j++) v[i].at[j] = (v[i].at[j] - m.at[j]) * scale.at[j] + b.at[j];
        store_floats<V>(y + r * channels + part.channel, v[i]);
      }
    }
  }
}

template <int V>
__device__ __forceinline__ void backward_reduce(float* partials, const float* x, const float* mean, const float* variance, const float* dy, i64 rows, int channels, int rows_per_chunk, float epsilon) {
  __shared__ Floats<V> scratch_gamma[THREADS], scratch_beta[THREADS];
  const Part part = Part::of<V>(rows, rows_per_chunk);
  Floats<V> dgamma = same_floats<V>(0), dbeta = same_floats<V>(0);
  if (part.channel < channels) {
    const Floats<V> m = load_floats<V>(mean + part.channel);
    const Floats<V> scale = deviation_reciprocal<V>(variance + part.channel, epsilon);
#pragma unroll 4
    for (i64 row = part.begin + threadIdx.y; row < part.end; row += blockDim.y) {
      const Floats<V> v = load_floats<V>(x + row * channels + part.channel);
      const Floats<V> g = load_floats<V>(dy + row * channels + part.channel);
      for (int j = 0; j < V; j++) {
        dgamma.at[j] += g.at[j] * ((v.at[j] - m.at[j]) * scale.at[j]);
        dbeta.at[j] += g.at[j];
      }
    }
  }
  dgamma = sum_over_y<V>(dgamma, scratch_gamma);
  dbeta = sum_over_y<V>(dbeta, scratch_beta);
  if (threadIdx.y == 0 && part.channel < channels) {
    float* to = partials + static_cast<i64>(blockIdx.x) * 2 * channels + part.channel;
    store_floats<V>(to, dgamma);
    store_floats<V>(to + channels, dbeta);
  }
}

template <int V>
__device__ __forceinline__ void backward_merge(float* dgamma, float* dbeta, const float* partials, int channels, int chunks) {
  __shared__ Floats<V> scratch_gamma[THREADS], scratch_beta[THREADS];
  const int channel = (blockIdx.y * blockDim.x + threadIdx.x) * V;
  Floats<V> gamma_sum = same_floats<V>(0), beta_sum = same_floats<V>(0);
  if (channel < channels) {
#pragma unroll 4
    for (int chunk = threadIdx.y; chunk < chunks; chunk += blockDim.y) {
      const float* from = partials + static_cast<i64>(chunk) * 2 * channels + channel;
      const Floats<V> a = load_floats<V>(from), b = load_floats<V>(from + channels);
      for (int j = 0; j < V; j++) {
        gamma_sum.at[j] += a.at[j];
        beta_sum.at[j] += b.at[j];
      }
    }
  }
  gamma_sum = sum_over_y<V>(gamma_sum, scratch_gamma);
  beta_sum = sum_over_y<V>(beta_sum, scratch_beta);
  if (threadIdx.y == 0 && channel < channels) {
    store_floats<V>(dgamma + channel, gamma_sum);
    store_floats<V>(dbeta + channel, beta_sum);
  }
}

template <int V>
__device__ __forceinline__ void backward_data(float* dx, const float* x, const float* gamma, const float* mean, const float* variance, const float* dy, const float* dgamma, const float* dbeta, i64 rows, int channels, int rows_per_chunk, float epsilon) {
  const Part part = Part::of<V>(rows, rows_per_chunk);
  if (part.channel >= channels) return;
  const Floats<V> m = load_floats<V>(mean + part.channel);
  const Floats<V> reciprocal = deviation_reciprocal<V>(variance + part.channel, epsilon);
  Floats<V> scale = load_floats<V>(gamma + part.channel);
  // The bracket's second term as constant + slope * (x - mean); 0 for given statistics.
  Floats<V> constant = same_floats<V>(0), slope = same_floats<V>(0);
  if (dgamma) {
    const Floats<V> dg = load_floats<V>(dgamma + part.channel), db = load_floats<V>(dbeta + part.channel);
    for (int j = 0; j < V; j++) {
      constant.at[j] = db.at[j] / static_cast<float>(rows);
      slope.at[j] = dg.at[j] * reciprocal.at[j] / static_cast<float>(rows);
    }
  }
  for (int j = 0; j < V; j++) scale.at[j] *= reciprocal.at[j];

  constexpr int ROWS = 2;
  for (i64 row = part.begin + threadIdx.y; row < part.end; row += ROWS * blockDim.y) {
    Floats<V> v[ROWS], g[ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const i64 r = row + i * blockDim.y;
      if (r < part.end) {
        v[i] = load_floats<V>(x + r * channels + part.channel);
        g[i] = load_floats<V>(dy + r * channels + part.channel);
      }
    }
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const i64 r = row + i * blockDim.y;
      if (r < part.end) {
        for (int j = 0; j < V; j++) {
          const float through = constant.at[j] + slope.at[j] * (v[i].at[j] - m.at[j]);
          g[i].at[j] = scale.at[j] * (g[i].at[j] - through);
        }
        store_floats<V>(dx + r * channels + part.channel, g[i]);
      }
    }
  }
}

// First stage of the statistics: mean and M2 of each chunk.
extern "C" __global__ void __launch_bounds__(THREADS)
    batch_norm_statistics_f32(float* partials,  // [chunks, 2, channels]
                              const float* x,   // [rows, channels]
                              i64 rows, int channels, int rows_per_chunk) {
  if (channels % 4 == 0) {
    statistics<4>(partials, x, rows, channels, rows_per_chunk);
  } else {
    statistics<1>(partials, x, rows, channels, rows_per_chunk);
  }
}

// Second stage; rows_per_chunk as in the first.
extern "C" __global__ void __launch_bounds__(THREADS)
    batch_norm_merge_f32(float* mean,            // [channels]
                         float* variance,        // [channels]
                         const float* partials,  // [chunks, 2, channels]
                         i64 rows, int channels, int rows_per_chunk, int chunks) {
  if (channels % 4 == 0) {
    merge<4>(mean, variance, partials, rows, channels, rows_per_chunk, chunks);
  } else {
    merge<1>(mean, variance, partials, rows, channels, rows_per_chunk, chunks);
  }
}

// Also the last step of training.
extern "C" __global__ void __launch_bounds__(THREADS)
    batch_norm_inference_f32(float* y,               // [rows, channels]
                             const float* x,         // [rows, channels]
                             const float* gamma,     // [channels]
                             const float* beta,      // [channels]
                             const float* mean,      // [channels]
                             const float* variance,  // [channels]
                             i64 rows, int channels, int rows_per_chunk, float epsilon) {
  if (channels % 4 == 0) {
    inference<4>(y, x, gamma, beta, mean, variance, rows, channels, rows_per_chunk, epsilon);
  } else {
    inference<1>(y, x, gamma, beta, mean, variance, rows, channels, rows_per_chunk, epsilon);
  }
}

// First stage of dgamma and dbeta: the sums of each chunk.
extern "C" __global__ void __launch_bounds__(THREADS)
    batch_norm_backward_reduce_f32(float* partials,        // [chunks, 2, channels]: dgamma, dbeta
                                   const float* x,         // [rows, channels]
                                   const float* mean,      // [channels]
                                   const float* variance,  // [channels]
                                   const float* dy,        // [rows, channels]
                                   i64 rows, int channels, int rows_per_chunk, float epsilon) {
  if (channels % 4 == 0) {
    backward_reduce<4>(partials, x, mean, variance, dy, rows, channels, rows_per_chunk, epsilon);
  } else {
    backward_reduce<1>(partials, x, mean, variance, dy, rows, channels, rows_per_chunk, epsilon);
  }
}

// Second stage.
extern "C" __global__ void __launch_bounds__(THREADS)
    batch_norm_backward_merge_f32(float* dgamma,          // [channels]
                                  float* dbeta,           // [channels]
                                  const float* partials,  // [chunks, 2, channels]
                                  int channels, int chunks) {
  if (channels % 4 == 0) {
    backward_merge<4>(dgamma, dbeta, partials, channels, chunks);
  } else {
    backward_merge<1>(dgamma, dbeta, partials, channels, chunks);
  }
}

// dx. dgamma and dbeta null: the statistics were given and do not depend on x.
extern "C" __global__ void __launch_bounds__(THREADS)
    batch_norm_backward_data_f32(float* dx,              // [rows, channels]
                                 const float* x,         // [rows, channels]
                                 const float* gamma,     // [channels]
                                 const float* mean,      // [channels]
                                 const float* variance,  // [channels]
                                 const float* dy,        // [rows, channels]
                                 const float* dgamma,    // [channels] or null
                                 const float* dbeta,     // [channels] or null
                                 i64 rows, int channels, int rows_per_chunk, float epsilon) {
  if (channels % 4 == 0) {
    backward_data<4>(dx, x, gamma, mean, variance, dy, dgamma, dbeta, rows, channels, rows_per_chunk, epsilon);
  } else {
    backward_data<1>(dx, x, gamma, mean, variance, dy, dgamma, dbeta, rows, channels, rows_per_chunk, epsilon);
  }
}

// In place, or from `average` to `to`. Block 256, grid (ceil(count / 256)).
extern "C" __global__ void __launch_bounds__(THREADS)
    moving_average_f32(float* to,             // [count]
                       const float* average,  // [count]
                       const float* value,    // [count]
                       i64 count, float momentum, float scale) {
  const i64 i = static_cast<i64>(blockIdx.x) * THREADS + threadIdx.x;
  if (i < count) to[i] = (1.0f - momentum) * average[i] + momentum * scale * value[i];
}
