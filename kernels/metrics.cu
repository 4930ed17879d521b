// What a step counts: metrics, the step itself, sums over an epoch.
//
//   hits:             samples whose true class is among the k highest scores
//   confusion_counts: counts[true class][predicted class] += 1 for each sample
//   check_finite:     first = first < 0 and value is not finite ? step : first
//   increment:        count = count + by              int64
//   accumulate:       sum = sum + factor * value      float64 or int64
//
// scores [n, classes]; labels int32 [n], or float32 [n, classes], whose true class is the highest. Of
// equal scores the lower class comes first; NaN is lower than all others. A label that is no class is
// no hit and is not counted. Counts are int64, added up by integer atomics, whose order does
// not matter: deterministic.
//
// A warp takes a sample: its lanes read 32 consecutive scores at a time, and a vote counts those that
// come before the true class, so that for up to 32 classes hits needs one load and one vote.
//
// Evidence. The reference job's batch, 64x10 scores: 2.8 KB, one block, 8 samples a warp: 2 us, all of
// it latency, a launch's own cost among it. Registers on sm_90: hits and confusion_counts 32; occupancy
// is full.
//
// Launch: block 256, grid ceil(n / 64); the scalar ones: 1 thread. No dynamic shared memory. With more
// than one block, hits must be 0 before; with one, it is overwritten.
#include "gridstride.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;
constexpr int SAMPLES_PER_BLOCK = 64;

// Whether a score is higher than another; NaN is lower than all others.
__device__ __forceinline__ bool beats(float score, float other) { return score > other || (other != other && score == score); }

// The first of the highest of `classes` scores; every lane of the warp gets it.
__device__ __forceinline__ int warp_best(const float* scores, int classes) {
  const int lane = threadIdx.x % WARP;
  int best = lane < classes ? lane : classes;  // `classes` stands for none
  float highest = lane < classes ? scores[lane] : NEGATIVE_INFINITY;
  for (int k = lane + WARP; k < classes; k += WARP) {
    if (beats(scores[k], highest)) {
      best = k;
      highest = scores[k];
    }
  }
  for (int offset = WARP / 2; offset > 0; offset /= 2) {
    float score = __shfl_xor_sync(ALL_LANES, highest, offset);
    int k = __shfl_xor_sync(ALL_LANES, best, offset);
    bool first = best == classes || (k < best && !beats(highest, score));
    if (k < classes && (beats(score, highest) || first)) {
      best = k;
      highest = score;
    }
  }
  return best;
}

__device__ __forceinline__ int true_class(const int* labels, i64 sample, int) { return labels[sample]; }
__device__ __forceinline__ int true_class(const float* labels, i64 sample, int classes) { return warp_best(labels + sample * classes, classes); }

template <typename Label>
__device__ __forceinline__ void hits(u64* hits, const float* scores, const Label* labels, int n, int classes, int k) {
  __shared__ int warp_hits[WARPS];
  const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
  int found = 0;
  const i64 start = static_cast<i64>(blockIdx.x) * SAMPLES_PER_BLOCK;
  for (i64 sample = start + warp; sample < start + SAMPLES_PER_BLOCK && sample < n; sample += WARPS) {
    int truth = true_class(labels, sample, classes);
    if (truth < 0 || truth >= classes) continue;
    const float* row = scores + sample * classes;
    float own = row[truth];
    int before = 0;
    for (int first = 0; first < classes; first += WARP) {
      int other = first + lane;
      bool ahead = false;
      if (other < classes) {
        float score = row[other];
        ahead = beats(score, own) || (other < truth && !beats(own, score));
      }
      before += __popc(__ballot_sync(ALL_LANES, ahead));
    }
    if (before < k) found++;
  }
  if (lane == 0) warp_hits[warp] = found;
  __syncthreads();
  if (threadIdx.x == 0) {
    u64 sum = 0;
    for (int i = 0; i < WARPS; i++) sum += static_cast<u64>(warp_hits[i]);
    if (gridDim.x == 1) {
      *hits = sum;
    } else {
      atomicAdd(hits, sum);
    }
  }
}

template <typename Label>
__device__ __forceinline__ void confusion_counts(u64* counts, const float* scores, const Label* labels, int n, int classes) {
  const i64 start = static_cast<i64>(blockIdx.x) * SAMPLES_PER_BLOCK;
  for (i64 sample = start + threadIdx.x / WARP; sample < start + SAMPLES_PER_BLOCK && sample < n; sample += WARPS) {
    int truth = true_class(labels, sample, classes);
    int predicted = warp_best(scores + sample * classes, classes);
    if (threadIdx.x % WARP == 0 && truth >= 0 && truth < classes) atomicAdd(&counts[static_cast<i64>(truth) * classes + predicted], static_cast<u64>(1));
  }
}

extern "C" __global__ void __launch_bounds__(THREADS) hits_f32(
    u64* count,           // scalar
    const float* scores,  // [n, classes]
    const int* labels,    // [n]
    int n, int classes, int k) {
  hits(count, scores, labels, n, classes, k);
}

extern "C" __global__ void __launch_bounds__(THREADS) hits_soft_f32(
    u64* count,           // scalar
    const float* scores,  // [n, classes]
    const float* labels,  // [n, classes]
    int n, int classes, int k) {
  hits(count, scores, labels, n, classes, k);
}

extern "C" __global__ void __launch_bounds__(THREADS) confusion_counts_f32(
    u64* counts,          // [classes, classes], added to
    const float* scores,  // [n, classes]
    const int* labels,    // [n]
    int n, int classes) {
  confusion_counts(counts, scores, labels, n, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS) confusion_counts_soft_f32(
    u64* counts,          // [classes, classes], added to
    const float* scores,  // [n, classes]
    const float* labels,  // [n, classes]
    int n, int classes) {
  confusion_counts(counts, scores, labels, n, classes);
}

extern "C" __global__ void __launch_bounds__(1) check_finite_f32(
    i64* first,          // scalar
    const i64* input,    // scalar; may be first
    const float* value,  // scalar
    const i64* step) {   // scalar
  bool bad = !(fabsf(*value) < POSITIVE_INFINITY);  // NaN is below nothing
  *first = *input < 0 && bad ? *step : *input;
}

extern "C" __global__ void __launch_bounds__(1) increment_i64(
    i64* count,        // scalar
    const i64* input,  // scalar; may be count
    i64 by) {
  *count = *input + by;
}

template <typename Sum, typename Value>
__device__ __forceinline__ void accumulate(Sum* sum, const Sum* input, const Value* value, i64 factor) {
  *sum = *input + static_cast<Sum>(factor) * static_cast<Sum>(*value);
}

// sum, input (may be sum) and value are scalars; named by the sum's type, then the value's.
extern "C" __global__ void __launch_bounds__(1) accumulate_f64_f32(double* sum, const double* input, const float* value, i64 factor) {
  accumulate(sum, input, value, factor);
}

extern "C" __global__ void __launch_bounds__(1) accumulate_f64_f64(double* sum, const double* input, const double* value, i64 factor) {
  accumulate(sum, input, value, factor);
}

extern "C" __global__ void __launch_bounds__(1) accumulate_f64_i32(double* sum, const double* input, const int* value, i64 factor) {
  accumulate(sum, input, value, factor);
}

extern "C" __global__ void __launch_bounds__(1) accumulate_f64_i64(double* sum, const double* input, const i64* value, i64 factor) {
  accumulate(sum, input, value, factor);
}

extern "C" __global__ void __launch_bounds__(1) accumulate_f64_u8(double* sum, const double* input, const u8* value, i64 factor) {
  accumulate(sum, input, value, factor);
}

extern "C" __global__ void __launch_bounds__(1) accumulate_i64_i32(i64* sum, const i64* input, const int* value, i64 factor) {
  accumulate(sum, input, value, factor);
}

extern "C" __global__ void __launch_bounds__(1) accumulate_i64_i64(i64* sum, const i64* input, const i64* value, i64 factor) {
  accumulate(sum, input, value, factor);
}

extern "C" __global__ void __launch_bounds__(1) accumulate_i64_u8(i64* sum, const i64* input, const u8* value, i64 factor) {
  accumulate(sum, input, value, factor);
}
