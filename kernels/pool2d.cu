// 2-D pooling, channels-last: maximum, average, global average, forward and backward.
//
//   window of output (p, q): rows p*sh - ph .. + kh - 1, columns q*sw - pw .. + kw - 1, cut to the image
//   max       y = maximum of the window; argmax = row * iw + column of it, the first of equal ones in
//             row-major order; NaN only if it comes first
//   average   y = sum of the window / its elements (kh * kw with count_padding, else those in the image)
//   global    y[n,c] = mean of x[n,:,:,c]
//   backward  dx = sum of dy (average: dy / elements) over the windows that took this element
//
//   x, dx [n, ih, iw, c]; y, dy, argmax [n, oh, ow, c]; ph, pw is the padding at the top and left
//
// Backward is a gather: each input element collects from the windows that cover it, rows first. No
// two threads write one element, so no atomics and the same bits every time. Where windows do not
// overlap, one thread writes a whole cell of sh x sw inputs, which reads dy and argmax once.
//
// A thread works on V channels of one place: V = 4, one 128-bit access, if c % 4 == 0, else 1.
// Neighbouring threads take neighbouring channels, then the next place of the row: coalesced.
//
// Reference job, batch 64, 2x2 windows (first pooling 30x30x32 -> 15x15x32, second 12x12x64 -> 6x6x64):
//   max_pool2d_forward_f32             reads 7.37 + 2.36 MB, writes y and argmax 3.69 + 1.18 MB
//   max_pool2d_backward_cells_f32      reads dy and argmax 3.69 + 1.18 MB, writes 7.37 + 2.36 MB
//   Memory-bound (3 comparisons for 24 bytes): 3.3 + 1.1 us at 3.35 TB/s, each way.
// sm_90, block 256:
//   max_pool2d_forward_f32: 56 registers, 4 blocks an SM (50 %)
//   max_pool2d_backward_f32: 43 registers, 5 blocks an SM (62 %)
//   max_pool2d_backward_cells_f32: 48 registers, 5 blocks an SM (62 %)
//   avg_pool2d_forward_f32: 48 registers, 5 blocks an SM (62 %)
//   avg_pool2d_backward_f32: 48 registers, 5 blocks an SM (62 %)
//   global_avg_pool2d_forward_f32: 26 registers, 5,120 bytes shared, 8 blocks an SM (100 %)
//   global_avg_pool2d_backward_f32: 23 registers, 8 blocks an SM (100 %)
//
// Launch contract, all but the global ones: block (w, 256 / w), w a power of two; grid (ceil(rows /
// blockDim.y), ceil(row / w)), where a row is c / V * (places of one row of images) and there are n *
// (rows of an image) of them; which places is said at each kernel. Both products below 2^31.
// Pointers aligned to 16. The forward kernels ask for 4 blocks an SM, that is 64 registers: left to
// itself, the compiler aims at more for some architectures and spills.

#include "gridstride.cuh"

constexpr int THREADS = 256;

// The sizes of a pooling, in the words above.
struct Pool {
  int c, ih, iw, oh, ow, kh, kw, sh, sw, ph, pw;
};

// The part of a window that lies in the image; bottom and right are exclusive.
struct Window {
  int top, bottom, left, right;

  __device__ __forceinline__ Window(const Pool& s, int p, int q)
      : top(max(p * s.sh - s.ph, 0)),
        bottom(min(p * s.sh - s.ph + s.kh, s.ih)),
        left(max(q * s.sw - s.pw, 0)),
        right(min(q * s.sw - s.pw + s.kw, s.iw)) {}

  __device__ __forceinline__ int elements() const { return (bottom - top) * (right - left); }
  __device__ __forceinline__ bool whole(const Pool& s) const {
    return bottom - top == s.kh && right - left == s.kw;
  }
};

// The windows that cover one row or column of the image: p from first to last.
struct Covering {
  int first, last;

  __device__ __forceinline__ Covering(int position, int kernel, int stride, int padding, int outputs)
      : first(position + padding < kernel ? 0 : (position + padding - kernel) / stride + 1),
        last(min((position + padding) / stride, outputs - 1)) {}
};

// Where a thread works: V channels from `channel` of place (row, column) of image `image`.
struct Item {
  int image, row, column, channel;
  bool valid;

  // rows: rows of places of all images, `height` of them an image; width: places of a row.
  template <int V>
  static __device__ __forceinline__ Item of(int rows, int height, int width, int c) {
    const int groups = c / V;
    const int r = blockIdx.x * blockDim.y + threadIdx.y;
    const int i = blockIdx.y * blockDim.x + threadIdx.x;
    return {r / height, r % height, i / groups, i % groups * V, r < rows && i < width * groups};
  }

  // Offset of the item in a tensor of so many places a row and rows an image.
  __device__ __forceinline__ i64 offset(int height, int width, int c) const {
    return ((static_cast<i64>(image) * height + row) * width + column) * c + channel;
  }
};

template <int V>
struct Maximum {
  Floats<V> value;
  int place[V];
};

// Walks a window of KH x KW, known to the compiler so that all its loads go out together, or, if 0,
// of h x w. `x` points to the image's first element of these channels.
template <int V, int KH, int KW>
__device__ __forceinline__ Maximum<V> window_maximum(const float* x, const Pool& s, int top, int left, int h, int w) {
  const int rows = KH > 0 ? KH : h, columns = KW > 0 ? KW : w;
  Maximum<V> best;
#pragma unroll
  for (int i = 0; i < rows; i++) {
#pragma unroll
    for (int j = 0; j < columns; j++) {
      const int place = (top + i) * s.iw + left + j;
      const Floats<V> v = load_floats<V>(x + static_cast<i64>(place) * s.c);
      for (int k = 0; k < V; k++) {
        if ((i == 0 && j == 0) || v.at[k] > best.value.at[k]) {
          best.value.at[k] = v.at[k];
          best.place[k] = place;
        }
      }
    }
  }
  return best;
}

template <int V>
__device__ __forceinline__ void max_forward(float* y, int* argmax, const float* x, int n, const Pool& s) {
  const Item item = Item::of<V>(n * s.oh, s.oh, s.ow, s.c);
  if (!item.valid) return;
  const Window window(s, item.row, item.column);
  const int h = window.bottom - window.top, w = window.right - window.left;
  x += static_cast<i64>(item.image) * s.ih * s.iw * s.c + item.channel;

  Maximum<V> best;
  if (h == 2 && w == 2) {
    best = window_maximum<V, 2, 2>(x, s, window.top, window.left, h, w);
  } else if (h == 3 && w == 3) {
    best = window_maximum<V, 3, 3>(x, s, window.top, window.left, h, w);
  } else {
    best = window_maximum<V, 0, 0>(x, s, window.top, window.left, h, w);
  }

  const i64 at = item.offset(s.oh, s.ow, s.c);
  store_floats<V>(y + at, best.value);
  store_ints<V>(argmax + at, best.place);
}

// Any windows: dx of one place from every window that covers it.
template <int V>
__device__ __forceinline__ void max_backward(float* dx, const float* dy, const int* argmax, int n, const Pool& s) {
  const Item item = Item::of<V>(n * s.ih, s.ih, s.iw, s.c);
  if (!item.valid) return;
  const Covering p(item.row, s.kh, s.sh, s.ph, s.oh), q(item.column, s.kw, s.sw, s.pw, s.ow);
  const int place = item.row * s.iw + item.column;
  Floats<V> sum = same_floats<V>(0);
  for (int i = p.first; i <= p.last; i++) {
    for (int j = q.first; j <= q.last; j++) {
      const i64 at = Item{item.image, i, j, item.channel, true}.offset(s.oh, s.ow, s.c);
      int from[V];
      load_ints<V>(from, argmax + at);
      const Floats<V> g = load_floats<V>(dy + at);
      for (int k = 0; k < V; k++) sum.at[k] += from[k] == place ? g.at[k] : 0.0f;
    }
  }
  store_floats<V>(dx + item.offset(s.ih, s.iw, s.c), sum);
}

// Windows that do not overlap: window (p, q) lies in the cell of sh x sw inputs that starts where it
// does. The cells tile the image; what no window reached gets 0.
template <int V>
__device__ __forceinline__ void max_backward_cells(float* dx, const float* dy, const int* argmax, int n, const Pool& s) {
  const int cells_high = ceil_div(s.ih + s.ph, s.sh), cells_wide = ceil_div(s.iw + s.pw, s.sw);
  const Item item = Item::of<V>(n * cells_high, cells_high, cells_wide, s.c);
  if (!item.valid) return;
  Floats<V> g = same_floats<V>(0);
  int from[V];
  for (int k = 0; k < V; k++) from[k] = -1;
  if (item.row < s.oh && item.column < s.ow) {
    const i64 at = item.offset(s.oh, s.ow, s.c);
    g = load_floats<V>(dy + at);
    load_ints<V>(from, argmax + at);
  }
  const int top = item.row * s.sh - s.ph, left = item.column * s.sw - s.pw;
  for (int h = max(top, 0); h < min(top + s.sh, s.ih); h++) {
    for (int w = max(left, 0); w < min(left + s.sw, s.iw); w++) {
      Floats<V> v;
      for (int k = 0; k < V; k++) v.at[k] = from[k] == h * s.iw + w ? g.at[k] : 0.0f;
      store_floats<V>(dx + Item{item.image, h, w, item.channel, true}.offset(s.ih, s.iw, s.c), v);
    }
  }
}

template <int V>
__device__ __forceinline__ void avg_forward(float* y, const float* x, int n, const Pool& s, bool count_padding) {
  const Item item = Item::of<V>(n * s.oh, s.oh, s.ow, s.c);
  if (!item.valid) return;
  const Window window(s, item.row, item.column);
  x += static_cast<i64>(item.image) * s.ih * s.iw * s.c + item.channel;
  Floats<V> sum = same_floats<V>(0);
  for (int h = window.top; h < window.bottom; h++) {
#pragma unroll 4
    for (int w = window.left; w < window.right; w++) {
      const Floats<V> v = load_floats<V>(x + static_cast<i64>(h * s.iw + w) * s.c);
      for (int k = 0; k < V; k++) sum.at[k] += v.at[k];
    }
  }
  const float elements = static_cast<float>(count_padding ? s.kh * s.kw : window.elements());
  for (int k = 0; k < V; k++) sum.at[k] /= elements;
  store_floats<V>(y + item.offset(s.oh, s.ow, s.c), sum);
}

template <int V>
__device__ __forceinline__ void avg_backward(float* dx, const float* dy, int n, const Pool& s, bool count_padding) {
  const Item item = Item::of<V>(n * s.ih, s.ih, s.iw, s.c);
  if (!item.valid) return;
  const Covering p(item.row, s.kh, s.sh, s.ph, s.oh), q(item.column, s.kw, s.sw, s.pw, s.ow);
  Floats<V> sum = same_floats<V>(0);
  for (int i = p.first; i <= p.last; i++) {
    for (int j = q.first; j <= q.last; j++) {
      const float share = 1.0f / static_cast<float>(count_padding ? s.kh * s.kw : Window(s, i, j).elements());
      const Floats<V> g = load_floats<V>(dy + Item{item.image, i, j, item.channel, true}.offset(s.oh, s.ow, s.c));
      for (int k = 0; k < V; k++) sum.at[k] += g.at[k] * share;
    }
  }
  store_floats<V>(dx + item.offset(s.ih, s.iw, s.c), sum);
}

// One block for one image and w * V channels: each threadIdx.y sums its pixels, then the block its sums.
template <int V>
__device__ __forceinline__ void global_forward(float* y, const float* x, int pixels, int c) {
  __shared__ Floats<V> scratch[THREADS];
  const int channel = (blockIdx.y * blockDim.x + threadIdx.x) * V;
  const i64 image = blockIdx.x;
  Floats<V> sum = same_floats<V>(0);
  if (channel < c) {
    const float* from = x + image * pixels * c + channel;
#pragma unroll 4
    for (int i = threadIdx.y; i < pixels; i += blockDim.y) {
      const Floats<V> v = load_floats<V>(from + static_cast<i64>(i) * c);
      for (int k = 0; k < V; k++) sum.at[k] += v.at[k];
    }
  }
  sum = sum_over_y<V>(sum, scratch);
  if (threadIdx.y == 0 && channel < c) {
    for (int k = 0; k < V; k++) sum.at[k] /= static_cast<float>(pixels);
    store_floats<V>(y + image * c + channel, sum);
  }
}

template <int V>
__device__ __forceinline__ void global_backward(float* dx, const float* dy, int n, int pixels, int c) {
  const Item item = Item::of<V>(n * pixels, pixels, 1, c);
  if (!item.valid) return;
  Floats<V> g = load_floats<V>(dy + static_cast<i64>(item.image) * c + item.channel);
  for (int k = 0; k < V; k++) g.at[k] /= static_cast<float>(pixels);
  store_floats<V>(dx + item.offset(pixels, 1, c), g);
}

// Places of y: ow a row, oh rows an image.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
    max_pool2d_forward_f32(float* y,        // [n, oh, ow, c]
                           int* argmax,     // [n, oh, ow, c]
                           const float* x,  // [n, ih, iw, c]
                           int n, int c, int ih, int iw, int oh, int ow,
                           int kh, int kw, int sh, int sw, int ph, int pw) {
  const Pool s = {c, ih, iw, oh, ow, kh, kw, sh, sw, ph, pw};
  if (c % 4 == 0) {
    max_forward<4>(y, argmax, x, n, s);
  } else {
    max_forward<1>(y, argmax, x, n, s);
  }
}

// Any windows. Places of dx: iw a row, ih rows an image.
extern "C" __global__ void __launch_bounds__(THREADS)
    max_pool2d_backward_f32(float* dx,          // [n, ih, iw, c]
                            const float* dy,    // [n, oh, ow, c]
                            const int* argmax,  // [n, oh, ow, c]
                            int n, int c, int ih, int iw, int oh, int ow,
                            int kh, int kw, int sh, int sw, int ph, int pw) {
  const Pool s = {c, ih, iw, oh, ow, kh, kw, sh, sw, ph, pw};
  if (c % 4 == 0) {
    max_backward<4>(dx, dy, argmax, n, s);
  } else {
    max_backward<1>(dx, dy, argmax, n, s);
  }
}

// Only for sh >= kh and sw >= kw. Places: cells, ceil((iw + pw) / sw) a row, ceil((ih + ph) / sh) rows
// an image.
extern "C" __global__ void __launch_bounds__(THREADS)
    max_pool2d_backward_cells_f32(float* dx,          // [n, ih, iw, c]
                                  const float* dy,    // [n, oh, ow, c]
                                  const int* argmax,  // [n, oh, ow, c]
                                  int n, int c, int ih, int iw, int oh, int ow,
                                  int kh, int kw, int sh, int sw, int ph, int pw) {
  const Pool s = {c, ih, iw, oh, ow, kh, kw, sh, sw, ph, pw};
  if (c % 4 == 0) {
    max_backward_cells<4>(dx, dy, argmax, n, s);
  } else {
    max_backward_cells<1>(dx, dy, argmax, n, s);
  }
}

// Places of y.
extern "C" __global__ void __launch_bounds__(THREADS, 4)
    avg_pool2d_forward_f32(float* y,        // [n, oh, ow, c]
                           const float* x,  // [n, ih, iw, c]
                           int n, int c, int ih, int iw, int oh, int ow,
                           int kh, int kw, int sh, int sw, int ph, int pw, int count_padding) {
  const Pool s = {c, ih, iw, oh, ow, kh, kw, sh, sw, ph, pw};
  if (c % 4 == 0) {
    avg_forward<4>(y, x, n, s, count_padding != 0);
  } else {
    avg_forward<1>(y, x, n, s, count_padding != 0);
  }
}

// Places of dx.
extern "C" __global__ void __launch_bounds__(THREADS)
    avg_pool2d_backward_f32(float* dx,        // [n, ih, iw, c]
                            const float* dy,  // [n, oh, ow, c]
                            int n, int c, int ih, int iw, int oh, int ow,
                            int kh, int kw, int sh, int sw, int ph, int pw, int count_padding) {
  const Pool s = {c, ih, iw, oh, ow, kh, kw, sh, sw, ph, pw};
  if (c % 4 == 0) {
    avg_backward<4>(dx, dy, n, s, count_padding != 0);
  } else {
    avg_backward<1>(dx, dy, n, s, count_padding != 0);
  }
}

// Grid (n, ceil(c / (w * V))), block (w, 256 / w), w a power of two up to 32.
extern "C" __global__ void __launch_bounds__(THREADS)
    global_avg_pool2d_forward_f32(float* y,        // [n, c]
                                  const float* x,  // [n, pixels, c]
                                  int pixels, int c) {
  if (c % 4 == 0) {
    global_forward<4>(y, x, pixels, c);
  } else {
    global_forward<1>(y, x, pixels, c);
  }
}

// Places of dx seen as [n, pixels, 1, c]: 1 a row, `pixels` rows an image.
extern "C" __global__ void __launch_bounds__(THREADS)
    global_avg_pool2d_backward_f32(float* dx,        // [n, pixels, c]
                                   const float* dy,  // [n, c]
                                   int n, int pixels, int c) {
  if (c % 4 == 0) {
    global_backward<4>(dx, dy, n, pixels, c);
  } else {
    global_backward<1>(dx, dy, n, pixels, c);
  }
}
