// Softmax and log-softmax of the rows of a matrix [rows, classes], forward and backward.
//
//   softmax       y = exp(x - max) / sum,         dx = y * (dy - sum over the row of dy * y)
//   log-softmax   y = x - max - log(sum),         dx = dy - exp(y) * sum over the row of dy
//
// max is the row's, sum that of exp(x - max) over the row, both found in one pass (exp_sum in
// gridstride.cuh), so that a long row is read twice and not three times. exp never overflows. A class
// at minus infinity has probability 0; NaN or plus infinity makes its own row NaN.
//
// Each kernel is there twice: for short rows, a few lanes of a warp a row (10 classes: 16 lanes, two
// rows a warp), no barrier; for long rows (above 256 classes, say) a block a row. The second pass
// finds a row of up to about 10,000 classes in L1. Sums in a fixed order: the same bits every time.
//
// Reference job [64, 10]: 2,560 bytes in and out: a launch is all it costs. At [8192, 1000] 32.8 MB in
// and out, about 2 exp an element: memory-bound, 19.6 us at 3.35 TB/s.
// sm_90, block 256:
//   softmax_forward_f32: 29 registers, 8 blocks an SM (100 %)
//   softmax_forward_long_f32: 30 registers, 32 bytes shared, 8 blocks an SM (100 %)
//   softmax_backward_f32: 30 registers, 8 blocks an SM (100 %)
//   softmax_backward_long_f32: 38 registers, 32 bytes shared, 6 blocks an SM (75 %)
//   log_softmax_forward_f32: 24 registers, 8 blocks an SM (100 %)
//   log_softmax_forward_long_f32: 29 registers, 32 bytes shared, 8 blocks an SM (100 %)
//   log_softmax_backward_f32: 24 registers, 8 blocks an SM (100 %)
//   log_softmax_backward_long_f32: 32 registers, 32 bytes shared, 8 blocks an SM (100 %)
//
// Launch contract: short: block (lanes, 256 / lanes), lanes a power of two up to 32, best the first
// that holds a row; grid (ceil(rows / blockDim.y)). Long, name with `long`: block 256, grid (rows);
// pointers aligned to 16.

#include "gridstride.cuh"

constexpr int THREADS = 256;

template <int V, bool LOG, class Team>
__device__ __forceinline__ void forward(const Team& team, float* y, const float* x, i64 rows, int classes) {
  const i64 row = team.row();
  const int here = row < rows ? classes : 0;  // lanes past the last row still take part in the sums
  x += row * classes;
  y += row * classes;
  const ExpSum e = exp_sum<V>(team, x, here);
  const float log_sum = LOG ? logf(e.sum) : 0.0f;
  for (int k = team.rank() * V; k < here; k += team.size() * V) {
    Floats<V> v = load_floats<V>(x + k);
    for (int j = 0; j < V; j++) {
      const float shifted = v.at[j] - e.max;
      v.at[j] = LOG ? shifted - log_sum : expf(shifted) / e.sum;
    }
    store_floats<V>(y + k, v);
  }
}

template <int V, bool LOG, class Team>
__device__ __forceinline__ void backward(const Team& team, float* dx, const float* dy, const float* y, i64 rows, int classes) {
  const i64 row = team.row();
  const int here = row < rows ? classes : 0;
  dx += row * classes;
  dy += row * classes;
  y += row * classes;
  float sum = 0;
  for (int k = team.rank() * V; k < here; k += team.size() * V) {
    const Floats<V> g = load_floats<V>(dy + k);
    if (LOG) {
      for (int j = 0; j < V; j++) sum += g.at[j];
    } else {
      const Floats<V> v = load_floats<V>(y + k);
      for (int j = 0; j < V; j++) sum += g.at[j] * v.at[j];
    }
  }
  sum = team.sum(sum);
  for (int k = team.rank() * V; k < here; k += team.size() * V) {
    Floats<V> g = load_floats<V>(dy + k);
    const Floats<V> v = load_floats<V>(y + k);
    for (int j = 0; j < V; j++) {
      g.at[j] = LOG ? g.at[j] - expf(v.at[j]) * sum : v.at[j] * (g.at[j] - sum);
    }
    store_floats<V>(dx + k, g);
  }
}

template <bool LOG>
__device__ __forceinline__ void forward_long(float* y, const float* x, i64 rows, int classes) {
  __shared__ float scratch[THREADS / WARP];
  const BlockTeam<THREADS> team = {scratch};
  if (classes % 4 == 0) {
    forward<4, LOG>(team, y, x, rows, classes);
  } else {
    forward<1, LOG>(team, y, x, rows, classes);
  }
}

template <bool LOG>
__device__ __forceinline__ void backward_long(float* dx, const float* dy, const float* y, i64 rows, int classes) {
  __shared__ float scratch[THREADS / WARP];
  const BlockTeam<THREADS> team = {scratch};
  if (classes % 4 == 0) {
    backward<4, LOG>(team, dx, dy, y, rows, classes);
  } else {
    backward<1, LOG>(team, dx, dy, y, rows, classes);
  }
}

// All tensors [rows, classes].

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_forward_f32(float* y, const float* x, i64 rows, int classes) {
  forward<1, false>(LaneTeam{}, y, x, rows, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_forward_long_f32(float* y, const float* x, i64 rows, int classes) {
  forward_long<false>(y, x, rows, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_backward_f32(float* dx, const float* dy, const float* y, i64 rows, int classes) {
  backward<1, false>(LaneTeam{}, dx, dy, y, rows, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    softmax_backward_long_f32(float* dx, const float* dy, const float* y, i64 rows, int classes) {
  backward_long<false>(dx, dy, y, rows, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    log_softmax_forward_f32(float* y, const float* x, i64 rows, int classes) {
  forward<1, true>(LaneTeam{}, y, x, rows, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    log_softmax_forward_long_f32(float* y, const float* x, i64 rows, int classes) {
  forward_long<true>(y, x, rows, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    log_softmax_backward_f32(float* dx, const float* dy, const float* y, i64 rows, int classes) {
  backward<1, true>(LaneTeam{}, dx, dy, y, rows, classes);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    log_softmax_backward_long_f32(float* dx, const float* dy, const float* y, i64 rows, int classes) {
  backward_long<true>(dx, dy, y, rows, classes);
}
