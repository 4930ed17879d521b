// Two-dimensional convolution (cross-correlation), all passes, as implicit matrix products:
//
//   y[n,p,q,o]  = act(bias[o] + sum over r,s,c of x[n, p*sh + r*dh - pt, q*sw + s*dw - pl, c] w[o,r,s,c])
//   dx[n,h,v,c] = sum over o, and over p,q,r,s with h = p*sh + r*dh - pt and v = q*sw + s*dw - pl,
//                 of dy[n,p,q,o] w[o,r,s,c]
//   dw[o,r,s,c] = sum over n,p,q of dy[n,p,q,o] x[n, p*sh + r*dh - pt, q*sw + s*dw - pl, c]
//   db[o]       = sum over n,p,q of dy[n,p,q,o]
//
// x [n, ih, iw, channels] and y [n, oh, ow, channels] are channels-last, w is [output channels, kh, kw,
// ic]: whatever a product sums over or writes side by side is contiguous. Outside the image x reads
// as zero; act is ReLU or nothing. With groups, ic and oc are the channels of one group, and each
// group is a product of its own.
//
//   pass              rows                columns     k                       contiguous along
//   forward           output pixels       oc          taps x ic (of a group)  k for x and w
//   backward data     input pixels        ic          hitting taps x oc       k for dy, columns for w
//   backward weights  oc                  taps x ic   output pixels           rows for dy, columns for x
//
// The matrices of pixels by taps (im2col: Chellapilla, Puri and Simard, 2006) are nowhere in memory:
// each block gathers its slices into shared memory ("cuDNN: Efficient Primitives for Deep
// Learning", Chetlur et al., 2014) and multiplies them as matmul.cu does. What is special:
//
// - Few input channels. If ic divides by 4, threads load 4 channels of a tap at once. If not (an RGB
//   image, MNIST), k is flat over taps and channels: 27 numbers for 3x3x3, padded to 32, where a slice
//   for every tap would do 9 x 16.
// - Strides in backward data. Input pixels are sorted by their phase (row mod sh, column mod sw); one
//   phase is read by the same taps, so that each is a product over just those and no zero is
//   multiplied but at the border. Every dx is written once: no atomics, no clearing.
// - Backward weights has few outputs and a long sum: 864 numbers, 57,600 pixels. The pixels are split
//   over blocks, each of which writes partial results that split_k_sum_f32 (matmul.cu) adds up in
//   order. db comes from the slices of dy that are in shared memory anyway, which saves reading dy.
// - Groups of a few channels (depthwise) leave a tile empty; they have kernels of their own, at the
//   end.
//
// Deterministic: sums in a fixed order that depends on sizes and the number of multiprocessors only.
//
// Tiles, and registers on sm_90 (65,536 an SM; 228 KB of shared memory, which never is the limit):
//                                     depth  a thread  threads  registers  shared   blocks an SM
//   conv2d_forward_128x64_f32             8       8x8      128        148  12.8 KB  3 = 12 warps, 19 %
//   conv2d_forward_128x32_f32            16       8x4      128        128  21.0 KB  4 = 16 warps, 25 %
//   conv2d_forward_64x32_f32             16       4x4      128         96  12.5 KB  5 = 20 warps, 31 %
//   conv2d_backward_data_128x64_f32       8       8x8      128        165  12.8 KB  3 = 12 warps, 19 %
//   conv2d_backward_data_128x32_f32      16       8x4      128        157  21.0 KB  3 = 12 warps, 19 %
//   conv2d_backward_data_64x32_f32       16       4x4      128        119  12.5 KB  4 = 16 warps, 25 %
//   conv2d_backward_weights_128x64_f32    8       8x8      128        145  12.8 KB  3 = 12 warps, 19 %
//   conv2d_backward_weights_64x64_f32    16       8x4      128        107  16.6 KB  4 = 16 warps, 25 %
//   conv2d_backward_weights_32x32_f32    32       4x4       64         96  16.5 KB  10 = 20 warps, 31 %
//   conv2d_grouped_*                                       256     32, 32, 39      8, 8, 6 = 48+ warps
// Occupancy is low because a thread holds up to 64 sums; they are its independent work.
//
// At the reference job (batch 64, H100: 67 TFLOP/s, 3.35 TB/s, 132 SMs), each number moved once:
//                    rows    columns  k       MFLOP  MB    arithmetic  memory  bound       blocks
//   conv1 forward    57,600       32      27   99.5  8.16  1.5 us      2.4 us  memory      450 of 128x32
//   conv1 weights        32       27  57,600   99.5  8.16  1.5 us      2.4 us  memory      450 splits of 32x32
//   conv2 forward    10,816       64     288  398.7  4.69  6.0 us      1.4 us  arithmetic  338 of 64x32
//   conv2 data       14,400       32     576  530.8  4.69  7.9 us      1.4 us  arithmetic  225 of 64x32
//   conv2 weights        64      288  10,816  398.7  4.68  6.0 us      1.4 us  arithmetic  5 x 49 splits of 64x64
// The image needs no gradient: conv1 has no backward data. conv2's data multiplies by the zeros of its
// border, 25 %. Waves: conv1 forward runs all of its blocks at once (4 an SM, 528); the busiest SM
// has 3 of conv2 forward's 338 blocks where 2.56 would be even (85 %), and 2 of conv2 data's 225
// where 1.70 would be (85 %). Partial results of the weights: 1.6 MB and 3.6 MB, which stay in L2.
//
// Contract of all kernels: any sizes from 1; n * oh * ow, n * ih * iw, and the elements of one image
// and of w below 2^31. 128-bit loads and stores where pointers are multiples of 16 and channels
// divide by 4, else scalar ones.
#include "gridstride.cuh"

// Tiles of rows x columns: forward and backward data have output (input) pixels by channels,
// backward weights has output channels by taps.
typedef Tile<128, 64, 8, 8, 8> Large;
typedef Tile<128, 32, 16, 8, 4> Narrow;
typedef Tile<64, 64, 16, 8, 4> Medium;
typedef Tile<64, 32, 16, 4, 4> Small;
typedef Tile<32, 32, 32, 4, 4> Smallest;

// A position that no image has, so that it reads as padding.
constexpr int NOWHERE = 1 << 28;

// The convolution, as in the kernels' parameters. ic and oc are channels of one group.
struct Conv {
  int n, ih, iw, ic, oh, ow, oc, kh, kw;
  int sh, sw, pt, pl, dh, dw, groups;

  __device__ __forceinline__ int x_pitch() const { return ic * groups; }  // from pixel to pixel
  __device__ __forceinline__ int y_pitch() const { return oc * groups; }
};

// An index of three digits that moves in steps: (outer, middle, inner), as a loop nest would. One
// division at the beginning, then compares and subtractions.
struct Digits {
  int inner, middle, outer;

  __device__ __forceinline__ Digits(int index, int inners, int middles) {
    inner = index % inners;
    middle = index / inners % middles;
    outer = index / inners / middles;
  }

  __device__ __forceinline__ void advance(int step, int inners, int middles) {
    inner += step;
    while (inner >= inners) {
      inner -= inners;
      if (++middle == middles) {
        middle = 0;
        outer++;
      }
    }
  }
};

// Windows on images [n, height, width, pitch], from each of which a product reads taps_h * taps_w *
// channels numbers: tap (a, b) of window (i, j) lies at row i * stride_h + offset_h + a * tap_h, and
// likewise in width. Positions outside the image read as zero.
struct Windows {
  const float* x;  // channel 0 of the group
  int height, width, pitch, channels;
  int count, count_h, count_w;  // in all; in an image, by rows and columns
  int stride_h, stride_w, offset_h, offset_w;
  int taps_h, taps_w, tap_h, tap_w;
};

// Operand of a product (see MatrixOperand): row m is window m, k runs over (tap, channel), channels
// fastest. The matrix (im2col) is nowhere in memory. WHOLE: a quad is 4 channels of one tap, which
// takes channels that divide by 4. Otherwise each of its 4 numbers finds its own tap: k is flat
// over taps and channels, so an RGB image wastes nothing.
template <class Q, bool WHOLE>
struct WindowOperand {
  typedef Q Shared;
  static_assert(Q::ALONG_K, "channels are contiguous");
  const Windows& of;
  const float* window[Q::COUNT];   // tap (0, 0), channel 0; may lie outside the image
  int h[Q::COUNT], w[Q::COUNT];    // its position
  Digits k;                        // (a, b, channel) of the next quad

  __device__ __forceinline__ WindowOperand(const Windows& windows, int first_row, int k_begin)
      : of(windows), k(k_begin + Q::k(), windows.channels, windows.taps_w) {
#pragma unroll
    for (int i = 0; i < Q::COUNT; i++) {
      const int m = first_row + Q::row() + i * Q::STEP;
      const Digits at(m, of.count_w, of.count_h);
      h[i] = m < of.count ? at.middle * of.stride_h + of.offset_h : NOWHERE;
      w[i] = at.inner * of.stride_w + of.offset_w;
      window[i] = of.x + ((static_cast<i64>(at.outer) * of.height + h[i]) * of.width + w[i]) * of.pitch;
    }
  }

  __device__ __forceinline__ bool holds(int i, int down, int right) const {
    return static_cast<u32>(h[i] + down) < static_cast<u32>(of.height) && static_cast<u32>(w[i] + right) < static_cast<u32>(of.width);
  }

  __device__ __forceinline__ void fetch(Floats<4> (&quads)[Q::COUNT]) {
    if constexpr (WHOLE) {
      const int down = k.outer < of.taps_h ? k.outer * of.tap_h : NOWHERE;
      const int right = k.middle * of.tap_w;
      const int offset = (k.outer * of.tap_h * of.width + right) * of.pitch + k.inner;
#pragma unroll
      for (int i = 0; i < Q::COUNT; i++) {
        quads[i] = same_floats<4>(0);
        if (holds(i, down, right)) quads[i] = load_floats<4>(window[i] + offset);
      }
    } else {
      Digits each = k;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int down = each.outer < of.taps_h ? each.outer * of.tap_h : NOWHERE;
        const int right = each.middle * of.tap_w;
        const int offset = (each.outer * of.tap_h * of.width + right) * of.pitch + each.inner;
#pragma unroll
        for (int i = 0; i < Q::COUNT; i++) quads[i].at[j] = holds(i, down, right) ? window[i][offset] : 0;
        each.advance(1, of.channels, of.taps_w);
      }
    }
    k.advance(Q::DEPTH, of.channels, of.taps_w);
  }
};

// ---- Forward -------------------------------------------------------------------------------

// Grid (ceil(n * oh * ow / tile rows), ceil(oc / tile columns), groups * splits), splits = ceil(kh * kw *
// ic / k_per_split); block: the tile's threads. k_per_split is a multiple of 32, or at least kh * kw *
// ic. With one split: bias and ReLU apply. With more: y is the first of partial results split_pitch
// floats apart, bias is null and relu 0, and split_k_sum_f32 comes next.
template <class T, bool WHOLE>
__device__ __forceinline__ void forward_tile(float* y, const float* x, const float* w, const float* bias, const Conv& conv, int k_per_split, i64 split_pitch, bool relu, float* shared) {
  const int group = blockIdx.z % conv.groups, split = blockIdx.z / conv.groups;
  const int first_row = blockIdx.x * T::ROWS, first_col = blockIdx.y * T::COLS;
  const int rows = conv.n * conv.oh * conv.ow, k = conv.kh * conv.kw * conv.ic;
  const int k_begin = split * k_per_split;
  const int k_end = k - k_begin < k_per_split ? k : k_begin + k_per_split;

  const Windows windows = {x + group * conv.ic, conv.ih, conv.iw, conv.x_pitch(), conv.ic,
                           rows, conv.oh, conv.ow, conv.sh, conv.sw, -conv.pt, -conv.pl,
                           conv.kh, conv.kw, conv.dh, conv.dw};
  WindowOperand<Quads<T::ROWS, T::DEPTH, T::THREADS, true>, WHOLE> a(windows, first_row, k_begin);
  MatrixOperand<Quads<T::COLS, T::DEPTH, T::THREADS, true>> b(w + static_cast<i64>(group) * conv.oc * k, k, first_col, conv.oc, k_begin, k_end);

  float c[T::THREAD_ROWS][T::THREAD_COLS];
  multiply<T>(c, false, a, b, ceil_div(k_end - k_begin, T::DEPTH), shared);

  y += split * split_pitch + group * conv.oc;
  const bool whole = conv.oc % 4 == 0 && aligned16(y);
  store_tile<T>(c, first_row, first_col, rows, conv.oc, bias == nullptr ? nullptr : bias + group * conv.oc, relu, whole, [&](int row) { return y + static_cast<i64>(row) * conv.y_pitch(); });
}

template <class T>
__device__ __forceinline__ void forward(float* y, const float* x, const float* w, const float* bias, const Conv& conv, int k_per_split, i64 split_pitch, bool relu, float* shared) {
  if (conv.ic % 4 == 0 && aligned16(x)) {
    forward_tile<T, true>(y, x, w, bias, conv, k_per_split, split_pitch, relu, shared);
  } else {
    forward_tile<T, false>(y, x, w, bias, conv, k_per_split, split_pitch, relu, shared);
  }
}

extern "C" __global__ void __launch_bounds__(Large::THREADS)
    conv2d_forward_128x64_f32(float* y,           // [n, oh, ow, oc * groups]
                               const float* x,     // [n, ih, iw, ic * groups]
                               const float* w,     // [oc * groups, kh, kw, ic]
                               const float* bias,  // [oc * groups], or null
                               int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                               int sh, int sw, int pt, int pl, int dh, int dw, int groups, int k_per_split, i64 split_pitch, int relu) {
  __shared__ __align__(16) float shared[Large::FLOATS];
  forward<Large>(y, x, w, bias, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups}, k_per_split, split_pitch, relu != 0, shared);
}

extern "C" __global__ void __launch_bounds__(Narrow::THREADS, 4)
    conv2d_forward_128x32_f32(float* y, const float* x, const float* w, const float* bias,
                              int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                              int sh, int sw, int pt, int pl, int dh, int dw, int groups, int k_per_split, i64 split_pitch, int relu) {
  __shared__ __align__(16) float shared[Narrow::FLOATS];
  forward<Narrow>(y, x, w, bias, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups}, k_per_split, split_pitch, relu != 0, shared);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4)
    conv2d_forward_64x32_f32(float* y, const float* x, const float* w, const float* bias,
                             int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                             int sh, int sw, int pt, int pl, int dh, int dw, int groups, int k_per_split, i64 split_pitch, int relu) {
  __shared__ __align__(16) float shared[Small::FLOATS];
  forward<Small>(y, x, w, bias, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups}, k_per_split, split_pitch, relu != 0, shared);
}

// ---- Backward data -------------------------------------------------------------------------

// The taps r of a kernel that read input positions of one phase, p = phase (mod stride): those with
// p + pad - r * dilation divisible by stride. They are evenly spaced, and tap first + a * step reads
// input p = phase + i * stride for output i + offset - a * outputs.
struct Hits {
  int first, step, count, offset, outputs;

  __device__ __forceinline__ Hits(int phase, int pad, int taps, int stride, int dilation) {
    step = 1;
    while (step * dilation % stride != 0) step++;
    first = 0;
    while (first < step && (phase + pad - first * dilation) % stride != 0) first++;
    count = first < step && first < taps ? ceil_div(taps - first, step) : 0;
    offset = (phase + pad - first * dilation) / stride;
    outputs = step * dilation / stride;
  }
};

// Operand of a product: row c is input channel c of the group, k runs over (hitting tap, output
// channel), output channels fastest. Channels c are contiguous in w [oc, kh, kw, ic].
template <class Q>
struct FilterOperand {
  typedef Q Shared;
  static_assert(!Q::ALONG_K, "input channels are contiguous");
  const float* w;
  Hits down, right;
  int kh, kw, ic, oc;
  int count;  // channels from the thread's quad on
  bool whole;
  Digits k;   // (hit down, hit right, output channel)

  __device__ __forceinline__ FilterOperand(const float* from, const Conv& conv, const Hits& hits_down, const Hits& hits_right, int first_col)
      : w(from + first_col + Q::row()), down(hits_down), right(hits_right), kh(conv.kh), kw(conv.kw), ic(conv.ic), oc(conv.oc),
        count(ic - first_col - Q::row()), whole(ic % 4 == 0 && aligned16(from)), k(Q::k(), oc, right.count) {}

  __device__ __forceinline__ void fetch(Floats<4> (&quads)[Q::COUNT]) {
#pragma unroll
    for (int i = 0; i < Q::COUNT; i++) {
      const int r = down.first + k.outer * down.step, s = right.first + k.middle * right.step;
      const float* p = w + ((static_cast<i64>(k.inner) * kh + r) * kw + s) * ic;
      quads[i] = load_quad(p, k.outer < down.count ? count : 0, whole);
      k.advance(Q::STEP, oc, right.count);
    }
  }
};

// Grid (ceil(n * ceil(ih / sh) * ceil(iw / sw) / tile rows), ceil(ic / tile columns), groups * sh * sw);
// block: the tile's threads.
template <class T, bool WHOLE>
__device__ __forceinline__ void backward_data_tile(float* dx, const float* dy, const float* w, const Conv& conv, float* shared) {
  // Input pixels whose row is phase_h (mod sh) and whose column is phase_w (mod sw) are read by the
  // same taps: each phase is a product of its own, over just those taps.
  const int phases = conv.sh * conv.sw;
  const int group = blockIdx.z / phases, phase = blockIdx.z % phases;
  const int phase_h = phase / conv.sw, phase_w = phase % conv.sw;
  const int height = ceil_div(conv.ih - phase_h, conv.sh), width = ceil_div(conv.iw - phase_w, conv.sw);
  const int rows = height > 0 && width > 0 ? conv.n * height * width : 0;
  const int first_row = blockIdx.x * T::ROWS, first_col = blockIdx.y * T::COLS;
  if (first_row >= rows) return;  // the grid is made for the largest phase
  Hits down(phase_h, conv.pt, conv.kh, conv.sh, conv.dh);
  Hits right(phase_w, conv.pl, conv.kw, conv.sw, conv.dw);
  if (right.count == 0) down.count = 0, right.count = 1;  // no tap: a sum of nothing

  float c[T::THREAD_ROWS][T::THREAD_COLS];
  const int k = down.count * right.count * conv.oc;
  const Windows windows = {dy + group * conv.oc, conv.oh, conv.ow, conv.y_pitch(), conv.oc,
                           rows, height, width, 1, 1, down.offset, right.offset,
                           down.count, right.count, -down.outputs, -right.outputs};
  WindowOperand<Quads<T::ROWS, T::DEPTH, T::THREADS, true>, WHOLE> a(windows, first_row, 0);
  FilterOperand<Quads<T::COLS, T::DEPTH, T::THREADS, false>> b(w + static_cast<i64>(group) * conv.oc * conv.kh * conv.kw * conv.ic, conv, down, right, first_col);
  multiply<T>(c, false, a, b, ceil_div(k, T::DEPTH), shared);

  dx += group * conv.ic;
  const bool whole = conv.ic % 4 == 0 && aligned16(dx);
  store_tile<T>(c, first_row, first_col, rows, conv.ic, nullptr, false, whole, [&](int row) {
    const Digits at(row, width, height);
    const int h = at.middle * conv.sh + phase_h, w = at.inner * conv.sw + phase_w;
    return dx + ((static_cast<i64>(at.outer) * conv.ih + h) * conv.iw + w) * conv.x_pitch();
  });
}

template <class T>
__device__ __forceinline__ void backward_data(float* dx, const float* dy, const float* w, const Conv& conv, float* shared) {
  if (conv.oc % 4 == 0 && aligned16(dy)) {
    backward_data_tile<T, true>(dx, dy, w, conv, shared);
  } else {
    backward_data_tile<T, false>(dx, dy, w, conv, shared);
  }
}

extern "C" __global__ void __launch_bounds__(Large::THREADS)
    conv2d_backward_data_128x64_f32(float* dx,        // [n, ih, iw, ic * groups]
                                     const float* dy,  // [n, oh, ow, oc * groups]
                                     const float* w,   // [oc * groups, kh, kw, ic]
                                     int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                     int sh, int sw, int pt, int pl, int dh, int dw, int groups) {
  __shared__ __align__(16) float shared[Large::FLOATS];
  backward_data<Large>(dx, dy, w, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups}, shared);
}

extern "C" __global__ void __launch_bounds__(Narrow::THREADS)
    conv2d_backward_data_128x32_f32(float* dx, const float* dy, const float* w,
                                    int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                    int sh, int sw, int pt, int pl, int dh, int dw, int groups) {
  __shared__ __align__(16) float shared[Narrow::FLOATS];
  backward_data<Narrow>(dx, dy, w, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups}, shared);
}

extern "C" __global__ void __launch_bounds__(Small::THREADS, 4)
    conv2d_backward_data_64x32_f32(float* dx, const float* dy, const float* w,
                                   int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                   int sh, int sw, int pt, int pl, int dh, int dw, int groups) {
  __shared__ __align__(16) float shared[Small::FLOATS];
  backward_data<Small>(dx, dy, w, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups}, shared);
}

// ---- Backward weights ----------------------------------------------------------------------

// Operand of a product: row j is (tap, channel) j of the weights, k runs over windows, that is over
// (image, output row, output column). WHOLE as for WindowOperand: a quad is 4 channels of a tap.
// Each thread keeps its taps and walks over the windows.
template <class Q, bool WHOLE>
struct PatchOperand {
  typedef Q Shared;
  static_assert(!Q::ALONG_K, "channels are contiguous");
  static constexpr int TAPS = WHOLE ? 1 : 4;
  const float* x;
  const Conv& conv;
  int down[TAPS], right[TAPS], offset[TAPS];  // from tap (0, 0), channel 0
  int left;                                   // windows from the thread's next quad on
  Digits k;                                   // the window

  __device__ __forceinline__ PatchOperand(const float* from, const Conv& of, int first_row, int k_begin, int k_end)
      : x(from), conv(of), left(k_end - k_begin - Q::k()), k(k_begin + Q::k(), of.ow, of.oh) {
#pragma unroll
    for (int j = 0; j < TAPS; j++) {
      const Digits tap(first_row + Q::row() + j, conv.ic, conv.kw);
      down[j] = tap.outer < conv.kh ? tap.outer * conv.dh : NOWHERE;
      right[j] = tap.middle * conv.dw;
      offset[j] = (tap.outer * conv.dh * conv.iw + right[j]) * conv.x_pitch() + tap.inner;
    }
  }

  __device__ __forceinline__ void fetch(Floats<4> (&quads)[Q::COUNT]) {
#pragma unroll
    for (int i = 0; i < Q::COUNT; i++) {
      const int h = k.middle * conv.sh - conv.pt, w = k.inner * conv.sw - conv.pl;
      const float* window = x + ((static_cast<i64>(k.outer) * conv.ih + h) * conv.iw + w) * conv.x_pitch();
      quads[i] = same_floats<4>(0);
#pragma unroll
      for (int j = 0; j < TAPS; j++) {
        if (i * Q::STEP < left && static_cast<u32>(h + down[j]) < static_cast<u32>(conv.ih) && static_cast<u32>(w + right[j]) < static_cast<u32>(conv.iw)) {
          if constexpr (WHOLE) {
            quads[i] = load_floats<4>(window + offset[j]);
          } else {
            quads[i].at[j] = window[offset[j]];
          }
        }
      }
      k.advance(Q::STEP, conv.ow, conv.oh);
    }
    left -= Q::DEPTH;
  }
};

// Grid (ceil(oc / tile rows), ceil(kh * kw * ic / tile columns), groups * splits), splits = ceil(n * oh * ow
// / k_per_split); block: the tile's threads. k_per_split is a multiple of 32, or at least n * oh * ow.
// With more than one split, dw and db are the first of partial results split_pitch floats apart.
template <class T, bool WHOLE>
__device__ __forceinline__ void backward_weights_tile(float* dw, float* db, const float* x, const float* dy, const Conv& conv, int k_per_split, i64 split_pitch, float* shared) {
  const int group = blockIdx.z % conv.groups, split = blockIdx.z / conv.groups;
  const int first_row = blockIdx.x * T::ROWS, first_col = blockIdx.y * T::COLS;
  const int cols = conv.kh * conv.kw * conv.ic, k = conv.n * conv.oh * conv.ow;
  const int k_begin = split * k_per_split;
  const int k_end = k - k_begin < k_per_split ? k : k_begin + k_per_split;

  MatrixOperand<Quads<T::ROWS, T::DEPTH, T::THREADS, false>> a(dy + group * conv.oc, conv.y_pitch(), first_row, conv.oc, k_begin, k_end);
  PatchOperand<Quads<T::COLS, T::DEPTH, T::THREADS, false>, WHOLE> b(x + group * conv.ic, conv, first_col, k_begin, k_end);

  float c[T::THREAD_ROWS][T::THREAD_COLS];
  const bool with_sums = db != nullptr && blockIdx.y == 0;
  multiply<T>(c, with_sums, a, b, ceil_div(k_end - k_begin, T::DEPTH), shared);

  dw += split * split_pitch + static_cast<i64>(group) * conv.oc * cols;
  const bool whole = cols % 4 == 0 && aligned16(dw);
  store_tile<T>(c, first_row, first_col, conv.oc, cols, nullptr, false, whole, [&](int row) { return dw + static_cast<i64>(row) * cols; });
  const int row = first_row + threadIdx.x;
  if (with_sums && threadIdx.x < T::ROWS && row < conv.oc) db[split * split_pitch + group * conv.oc + row] = row_sum<T>(shared);
}

template <class T>
__device__ __forceinline__ void backward_weights(float* dw, float* db, const float* x, const float* dy, const Conv& conv, int k_per_split, i64 split_pitch, float* shared) {
  if (conv.ic % 4 == 0 && aligned16(x)) {
    backward_weights_tile<T, true>(dw, db, x, dy, conv, k_per_split, split_pitch, shared);
  } else {
    backward_weights_tile<T, false>(dw, db, x, dy, conv, k_per_split, split_pitch, shared);
  }
}

extern "C" __global__ void __launch_bounds__(Large::THREADS)
    conv2d_backward_weights_128x64_f32(float* dw,        // [oc * groups, kh, kw, ic]
                                        float* db,        // [oc * groups], or null
                                        const float* x,   // [n, ih, iw, ic * groups]
                                        const float* dy,  // [n, oh, ow, oc * groups]
                                        int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                        int sh, int sw, int pt, int pl, int dilation_h, int dilation_w, int groups, int k_per_split, i64 split_pitch) {
  __shared__ __align__(16) float shared[Large::FLOATS];
  backward_weights<Large>(dw, db, x, dy, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dilation_h, dilation_w, groups}, k_per_split, split_pitch, shared);
}

extern "C" __global__ void __launch_bounds__(Medium::THREADS)
    conv2d_backward_weights_64x64_f32(float* dw, float* db, const float* x, const float* dy,
                                      int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                      int sh, int sw, int pt, int pl, int dilation_h, int dilation_w, int groups, int k_per_split, i64 split_pitch) {
  __shared__ __align__(16) float shared[Medium::FLOATS];
  backward_weights<Medium>(dw, db, x, dy, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dilation_h, dilation_w, groups}, k_per_split, split_pitch, shared);
}

extern "C" __global__ void __launch_bounds__(Smallest::THREADS)
    conv2d_backward_weights_32x32_f32(float* dw, float* db, const float* x, const float* dy,
                                      int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                      int sh, int sw, int pt, int pl, int dilation_h, int dilation_w, int groups, int k_per_split, i64 split_pitch) {
  __shared__ __align__(16) float shared[Smallest::FLOATS];
  backward_weights<Smallest>(dw, db, x, dy, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dilation_h, dilation_w, groups}, k_per_split, split_pitch, shared);
}

// ---- Few channels in a group ---------------------------------------------------------------
// A group of a few channels (depthwise: one) leaves nearly all of a tile empty. These kernels give
// each output a thread; channels are fastest, so warps read and write neighbouring numbers.

// y, one thread each. Grid (ceil(n * oh * ow * oc * groups / 256)), block 256.
extern "C" __global__ void __launch_bounds__(256)
    conv2d_grouped_forward_f32(float* y,           // [n, oh, ow, oc * groups]
                               const float* x,     // [n, ih, iw, ic * groups]
                               const float* w,     // [oc * groups, kh, kw, ic]
                               const float* bias,  // [oc * groups], or null
                               int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                               int sh, int sw, int pt, int pl, int dh, int dw, int groups, int relu) {
  const Conv conv = {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups};
  const i64 index = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int pixels = n * oh * ow;
  if (index >= static_cast<i64>(pixels) * conv.y_pitch()) return;
  const int o = index % conv.y_pitch();
  const Digits at(static_cast<int>(index / conv.y_pitch()), ow, oh);
  const float* weight = w + static_cast<i64>(o) * kh * kw * ic;
  float sum = 0;
  for (int r = 0; r < kh; r++) {
    const int h = at.middle * sh - pt + r * dh;
    if (h < 0 || h >= ih) continue;
    for (int s = 0; s < kw; s++) {
      const int v = at.inner * sw - pl + s * dw;
      if (v < 0 || v >= iw) continue;
      const float* pixel = x + ((static_cast<i64>(at.outer) * ih + h) * iw + v) * conv.x_pitch() + o / oc * ic;
      for (int c = 0; c < ic; c++) sum += pixel[c] * weight[(r * kw + s) * ic + c];
    }
  }
  if (bias != nullptr) sum += bias[o];
  y[index] = relu && sum < 0 ? 0 : sum;  // keeps NaN
}

// dx, one thread each: the outputs that read its pixel. Grid (ceil(n * ih * iw * ic * groups / 256)),
// block 256.
extern "C" __global__ void __launch_bounds__(256)
    conv2d_grouped_backward_data_f32(float* dx,        // [n, ih, iw, ic * groups]
                                     const float* dy,  // [n, oh, ow, oc * groups]
                                     const float* w,   // [oc * groups, kh, kw, ic]
                                     int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                     int sh, int sw, int pt, int pl, int dh, int dw, int groups) {
  const Conv conv = {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dh, dw, groups};
  const i64 index = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= static_cast<i64>(n) * ih * iw * conv.x_pitch()) return;
  const int channel = index % conv.x_pitch(), group = channel / ic, c = channel % ic;
  const Digits at(static_cast<int>(index / conv.x_pitch()), iw, ih);
  float sum = 0;
  for (int r = 0; r < kh; r++) {
    const int h = at.middle + pt - r * dh, p = h / sh;
    if (h < 0 || h % sh != 0 || p >= oh) continue;
    for (int s = 0; s < kw; s++) {
      const int v = at.inner + pl - s * dw, q = v / sw;
      if (v < 0 || v % sw != 0 || q >= ow) continue;
      const float* pixel = dy + ((static_cast<i64>(at.outer) * oh + p) * ow + q) * conv.y_pitch() + group * oc;
      for (int o = 0; o < oc; o++) sum += pixel[o] * w[((static_cast<i64>(group * oc + o) * kh + r) * kw + s) * ic + c];
    }
  }
  dx[index] = sum;
}

// dw and db, each block 32 output channels of one (tap, channel) over a range of windows: lane x has
// the output channel, row y every 8th window; then the rows are added in order.
// Grid (ceil(oc * groups / 32), kh * kw * ic, splits), block (32, 8); splits as above.
extern "C" __global__ void __launch_bounds__(256)
    conv2d_grouped_backward_weights_f32(float* dw,        // [oc * groups, kh, kw, ic]
                                        float* db,        // [oc * groups], or null
                                        const float* x,   // [n, ih, iw, ic * groups]
                                        const float* dy,  // [n, oh, ow, oc * groups]
                                        int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw,
                                        int sh, int sw, int pt, int pl, int dilation_h, int dilation_w, int groups, int k_per_split, i64 split_pitch) {
  __shared__ float weight_sums[8][32], bias_sums[8][32];
  const Conv conv = {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, dilation_h, dilation_w, groups};
  const int o = blockIdx.x * 32 + threadIdx.x;
  const Digits tap(blockIdx.y, ic, kw);
  const int k = n * oh * ow, k_begin = blockIdx.z * k_per_split;
  const int k_end = k - k_begin < k_per_split ? k : k_begin + k_per_split;
  float weight_sum = 0, bias_sum = 0;
  if (o < conv.y_pitch()) {
    const int channel = o / oc * ic + tap.inner;
    Digits window(k_begin + threadIdx.y, ow, oh);
    for (int m = k_begin + threadIdx.y; m < k_end; m += 8) {
      const int h = window.middle * sh - pt + tap.outer * dilation_h, v = window.inner * sw - pl + tap.middle * dilation_w;
      const float gradient = dy[static_cast<i64>(m) * conv.y_pitch() + o];
      if (h >= 0 && h < ih && v >= 0 && v < iw) {
        weight_sum += gradient * x[((static_cast<i64>(window.outer) * ih + h) * iw + v) * conv.x_pitch() + channel];
      }
      bias_sum += gradient;
      window.advance(8, ow, oh);
    }
  }
  weight_sums[threadIdx.y][threadIdx.x] = weight_sum;
  bias_sums[threadIdx.y][threadIdx.x] = bias_sum;
  __syncthreads();
  if (threadIdx.y > 0 || o >= conv.y_pitch()) return;
  for (int row = 1; row < 8; row++) {
    weight_sum += weight_sums[row][threadIdx.x];
    bias_sum += bias_sums[row][threadIdx.x];
  }
  dw[blockIdx.z * split_pitch + static_cast<i64>(o) * gridDim.y + blockIdx.y] = weight_sum;
  if (db != nullptr && blockIdx.y == 0) db[blockIdx.z * split_pitch + o] = bias_sum;
}
