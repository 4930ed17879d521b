// Mean cross-entropy against labels, alone and fused with the softmax before it, with gradients.
//
//   target            t[n,k] = t0 * (1 - s) + s / K, s the label smoothing, t0 1 at the class index and
//                     0 elsewhere, or the label itself (one-hot or soft)
//   cross-entropy     row_loss[n] = -sum over k of t * log(max(p, 1e-7))
//                     dp = p > 1e-7 ? -g * t / (N * p) : 0
//   of a softmax      row_loss[n] = sum over k of t * (log(sum) + max - x),  p = exp(x - max) / sum
//                     dx = g * (p * sum over k of t - t) / N
//
// x, p, dx, dp [N, K]; labels int32 [N] or float32 [N, K], the other pointer null; g a scalar on the
// device. The loss is the sum of row_loss, in fixed order, times 1 / N: sum_f32 in reduce.cu. The
// fused form needs no floor: log-sum-exp is exact where p has underflowed to 0.
//
// A class index that is none of 0 .. K-1 makes the loss and the row's gradient NaN; NaN in x or p makes
// the loss NaN. The smoothed target of a class index has a sum of 1 and is not added up.
//
// As in softmax.cu, each kernel over rows is there for short rows (some lanes of a warp) and for long
// ones (a block). Sums in a fixed order: the same bits every time.
//
// Reference job, [64, 10]: 2.8 KB in, 2.8 KB out, 640 exp: a launch is all it costs. At [8192, 1000]
// forward and backward each move 65.5 MB: memory-bound, 19.6 us at 3.35 TB/s.
// sm_90, block 256:
//   softmax_cross_entropy_forward_f32: 40 registers, 6 blocks an SM (75 %)
//   softmax_cross_entropy_forward_long_f32: 38 registers, 32 bytes shared, 6 blocks an SM (75 %)
//   softmax_cross_entropy_backward_f32: 30 registers, 8 blocks an SM (100 %)
//   softmax_cross_entropy_backward_long_f32: 34 registers, 32 bytes shared, 6 blocks an SM (75 %)
//   cross_entropy_forward_f32: 32 registers, 8 blocks an SM (100 %)
//   cross_entropy_forward_long_f32: 32 registers, 32 bytes shared, 8 blocks an SM (100 %)
//   cross_entropy_backward_f32: 35 registers, 6 blocks an SM (75 %)
//   cross_entropy_backward_long_f32: 32 registers, 8 blocks an SM (100 %)
//
// Launch contract: short: block (lanes, 256 / lanes), lanes a power of two up to 32, best the first
// that holds a row; grid (ceil(rows / blockDim.y)). Long, name with `long`: block 256, grid (rows);
// pointers aligned to 16.

#include "gridstride.cuh"

constexpr int THREADS = 256;

// Least probability whose logarithm is taken; Keras's.
constexpr float FLOOR = 1e-7f;

// The targets t of one row.
struct Targets {
  const float* soft;  // the row's label [classes], or null:
  int index;          // its class
  float keep, rest;   // t = t0 * keep + rest

  __device__ __forceinline__ Targets(const int* indices, const float* labels, i64 row, bool valid, int classes, float smoothing)
      : soft(labels ? labels + row * classes : nullptr),
        index(indices && valid ? indices[row] : 0),
        keep(1.0f - smoothing),
        rest(smoothing / static_cast<float>(classes)) {
    if (index < 0 || index >= classes) keep = NOT_A_NUMBER;
  }

  template <int V>
  __device__ __forceinline__ Floats<V> at(int k) const {
    Floats<V> t;
    if (soft) {
      t = load_floats<V>(soft + k);
    } else {
      for (int j = 0; j < V; j++) t.at[j] = k + j == index ? 1.0f : 0.0f;
    }
    for (int j = 0; j < V; j++) t.at[j] = t.at[j] * keep + rest;
    return t;
  }

  // Their sum over the row; every thread of the team gets it.
  template <int V, class Team>
  __device__ __forceinline__ float sum(const Team& team, int classes) const {
    if (!soft) return keep + (1.0f - keep);  // 1, or NaN
    float sum = 0;
    for (int k = team.rank() * V; k < classes; k += team.size() * V) {
      const Floats<V> t = at<V>(k);
      for (int j = 0; j < V; j++) sum += t.at[j];
    }
    return team.sum(sum);
  }
};

// Lanes past the last row have no classes (`here` is 0), but still take part in the team's sums.

template <int V, class Team>
__device__ __forceinline__ void softmax_forward(const Team& team, float* row_loss, float* p, const float* x,
                                                const int* indices, const float* labels,
                                                i64 rows, int classes, float smoothing) {
  const i64 row = team.row();
  const int here = row < rows ? classes : 0;
  const Targets targets(indices, labels, row, row < rows, classes, smoothing);
  x += row * classes;
  p += row * classes;
  const ExpSum e = exp_sum<V>(team, x, here);
  const float log_sum = logf(e.sum);
  float loss = 0;
  for (int k = team.rank() * V; k < here; k += team.size() * V) {
    Floats<V> v = load_floats<V>(x + k);
    const Floats<V> t = targets.at<V>(k);
    for (int j = 0; j < V; j++) {
      const float shifted = v.at[j] - e.max;
      loss += t.at[j] * (log_sum - shifted);
      v.at[j] = expf(shifted) / e.sum;
    }
    store_floats<V>(p + k, v);
  }
  loss = team.sum(loss);
  if (row < rows && team.rank() == 0) row_loss[row] = loss;
}

template <int V, class Team>
__device__ __forceinline__ void softmax_backward(const Team& team, float* dx, const float* p,
                                                 const int* indices, const float* labels, const float* g,
                                                 i64 rows, int classes, float smoothing) {
  const i64 row = team.row();
  const int here = row < rows ? classes : 0;
  const Targets targets(indices, labels, row, row < rows, classes, smoothing);
  p += row * classes;
  dx += row * classes;
  const float mass = targets.sum<V>(team, here);
  const float scale = *g / static_cast<float>(rows);
  for (int k = team.rank() * V; k < here; k += team.size() * V) {
    Floats<V> v = load_floats<V>(p + k);
    const Floats<V> t = targets.at<V>(k);
    for (int j = 0; j < V; j++) v.at[j] = scale * (v.at[j] * mass - t.at[j]);
    store_floats<V>(dx + k, v);
  }
}

template <int V, class Team>
__device__ __forceinline__ void forward(const Team& team, float* row_loss, const float* p,
                                        const int* indices, const float* labels,
                                        i64 rows, int classes, float smoothing) {
  const i64 row = team.row();
  const int here = row < rows ? classes : 0;
  const Targets targets(indices, labels, row, row < rows, classes, smoothing);
  p += row * classes;
  float loss = 0;
  for (int k = team.rank() * V; k < here; k += team.size() * V) {
    const Floats<V> v = load_floats<V>(p + k);
    const Floats<V> t = targets.at<V>(k);
    // Not fmaxf, which would turn NaN into the floor.
    for (int j = 0; j < V; j++) loss -= t.at[j] * logf(v.at[j] < FLOOR ? FLOOR : v.at[j]);
  }
  loss = team.sum(loss);
  if (row < rows && team.rank() == 0) row_loss[row] = loss;
}

template <int V, class Team>
__device__ __forceinline__ void backward(const Team& team, float* dp, const float* p,
                                         const int* indices, const float* labels, const float* g,
                                         i64 rows, int classes, float smoothing) {
  const i64 row = team.row();
  const int here = row < rows ? classes : 0;
  const Targets targets(indices, labels, row, row < rows, classes, smoothing);
  p += row * classes;
  dp += row * classes;
  const float scale = -*g / static_cast<float>(rows);
  for (int k = team.rank() * V; k < here; k += team.size() * V) {
    Floats<V> v = load_floats<V>(p + k);
    const Floats<V> t = targets.at<V>(k);
    for (int j = 0; j < V; j++) v.at[j] = v.at[j] > FLOOR ? scale * t.at[j] / v.at[j] : 0.0f;
    store_floats<V>(dp + k, v);
  }
}

// Parameters: row_loss [rows]; x, p, dx, dp [rows, classes]; indices [rows] or labels [rows, classes],
// the other null; g a scalar.

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_cross_entropy_forward_f32(float* row_loss, float* p, const float* x,
                                      const int* indices, const float* labels,
                                      i64 rows, int classes, float smoothing) {
  softmax_forward<1>(LaneTeam{}, row_loss, p, x, indices, labels, rows, classes, smoothing);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_cross_entropy_forward_long_f32(float* row_loss, float* p, const float* x,
                                           const int* indices, const float* labels,
                                           i64 rows, int classes, float smoothing) {
  __shared__ float scratch[THREADS / WARP];
  const BlockTeam<THREADS> team = {scratch};
  if (classes % 4 == 0) {
    softmax_forward<4>(team, row_loss, p, x, indices, labels, rows, classes, smoothing);
  } else {
    softmax_forward<1>(team, row_loss, p, x, indices, labels, rows, classes, smoothing);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_cross_entropy_backward_f32(float* dx, const float* p,
                                       const int* indices, const float* labels, const float* g,
                                       i64 rows, int classes, float smoothing) {
  softmax_backward<1>(LaneTeam{}, dx, p, indices, labels, g, rows, classes, smoothing);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_cross_entropy_backward_long_f32(float* dx, const float* p,
                                            const int* indices, const float* labels, const float* g,
                                            i64 rows, int classes, float smoothing) {
  __shared__ float scratch[THREADS / WARP];
  const BlockTeam<THREADS> team = {scratch};
  if (classes % 4 == 0) {
    softmax_backward<4>(team, dx, p, indices, labels, g, rows, classes, smoothing);
  } else {
    softmax_backward<1>(team, dx, p, indices, labels, g, rows, classes, smoothing);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    cross_entropy_forward_f32(float* row_loss, const float* p,
                              const int* indices, const float* labels,
                              i64 rows, int classes, float smoothing) {
  forward<1>(LaneTeam{}, row_loss, p, indices, labels, rows, classes, smoothing);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    cross_entropy_forward_long_f32(float* row_loss, const float* p,
                                   const int* indices, const float* labels,
                                   i64 rows, int classes, float smoothing) {
  __shared__ float scratch[THREADS / WARP];
  const BlockTeam<THREADS> team = {scratch};
  if (classes % 4 == 0) {
    forward<4>(team, row_loss, p, indices, labels, rows, classes, smoothing);
  } else {
    forward<1>(team, row_loss, p, indices, labels, rows, classes, smoothing);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    cross_entropy_backward_f32(float* dp, const float* p,
                               const int* indices, const float* labels, const float* g,
                               i64 rows, int classes, float smoothing) {
  backward<1>(LaneTeam{}, dp, p, indices, labels, g, rows, classes, smoothing);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    cross_entropy_backward_long_f32(float* dp, const float* p,
                                    const int* indices, const float* labels, const float* g,
                                    i64 rows, int classes, float smoothing) {
  __shared__ float scratch[THREADS / WARP];
  const BlockTeam<THREADS> team = {scratch};
  if (classes % 4 == 0) {
    backward<4>(team, dp, p, indices, labels, g, rows, classes, smoothing);
  } else {
    backward<1>(team, dp, p, indices, labels, g, rows, classes, smoothing);
  }
}
