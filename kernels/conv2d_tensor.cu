// Two-dimensional convolution on tensor cores, forward and backward, as implicit matrix products: the
// patches are gathered while they are copied to shared memory, never stored.
//
//   forward           y[p, o] = act(b[o] + sum over (r, s, c) of x[pixel(p) * stride - padding +
//                     (r, s) * dilation, c] * w[o, r, s, c])          act: none or max(v, 0)
//   backward data     dx[q, c] = sum over (r, s, o) of dy[the p that read q in tap (r, s), o] * w[o, r, s, c]
//   backward weights  dw[o, r, s, c] = sum over p of dy[p, o] * x[what p read in tap (r, s), c]
//   backward bias     db[o] = sum over p of dy[p, o]
//
// p runs over output pixels [n, oh, ow], q over input pixels [n, ih, iw]; outside the image reads as
// zero; group g joins input channels g ic / groups.. to output channels g oc / groups... Channels last:
// x [n, ih, iw, ic], w [oc, kh, kw, ic / groups], y [n, oh, ow, oc].
//
//   as a product       rows                  columns              k                    A, B lie
//   forward            n oh ow               oc / groups          (r, s, c)            k along, k along
//   backward data      n ih iw               ic / groups          (r, s, o)            k along, k across
//   backward weights   oc / groups           (r, s, c)            n oh ow              k across, k across
//
//   tf32: float32 in memory, rounded to TF32 (cvt.rna) on the way to the fragments; mma m16n8k8. The
//         bias gradient is conv2d.cu's.
//   bf16: x, w, dy bfloat16; y and dx float32, bfloat16 or both (null: not wanted); dw, db and bias
//         float32; mma m16n8k16.
// Sums are float32. Deterministic: backward weights splits its long k over gridDim.z blocks, each of
// which writes a part [oc, kh, kw, ic / groups] of its own, and matmul_sum_parts_f32 adds them in order.
//
// The pipeline is tensor::Product in gridstride.cuh. Forward and backward data keep a table of the
// block's 128 pixels in shared memory, so that a copy costs one 16-byte load of its pixel, two
// comparisons and an address; a column is taken apart into (r, s, c) once a stage and thread.
//
// Launch: block 128, no dynamic shared memory;
//   forward           grid (ceil(n oh ow / 128), groups * ceil(oc / groups / 64))
//   backward data     grid (ceil(n ih iw / 128), groups * ceil(ic / groups / 64))
//   backward weights  grid (ceil(kh kw ic / groups / 64), groups * ceil(oc / groups / 64), parts)
// n oh ow + 128, n ih iw + 128 and kh kw max(ic, oc) + 64 below 2^31; grid.y at most 65,535. 16-byte
// copies where a tensor starts on 16 bytes and the channels of a group are a multiple of 4 (tf32) or
// 8 (bf16), else 4-byte copies or plain loads. A stride s in backward data leaves (s - 1) / s of the
// taps of a dimension empty: they are read as zeros and multiplied.
//
// Evidence, reference job at batch 64 on H100 (3.35 TB/s; 495 TFLOP/s TF32, 989 bf16), float32 bytes
// (bf16 has half of all but dw):
//                              rows  columns      k   MFLOP     MB   us memory / arithmetic    blocks
//   conv1 forward            57,600       32     27     100    8.2        2.4 / 0.2               450
//   conv2 forward            10,816       64    288     399    4.7        1.4 / 0.8                85
//   conv2 backward data      14,400       32    576     531    4.7        1.4 / 1.1               113
//   conv2 backward weights       64      288 10,816     399    4.7        1.4 / 0.8       5 x 27 parts
//   conv1 backward weights       32       27 57,600     100    8.2        2.4 / 0.2      1 x 132 parts
// All are bound by memory, and by there being few blocks for 132 multiprocessors. 32 columns fill
// half of a tile of 64; that doubles their arithmetic, still under the time for memory.
//   sm_90              registers  shared   blocks an SM   warps of 64
//   forward            118 / 127    38 KB    4 (registers)   16      (tf32 / bf16)
//   backward data      126 / 126    38 KB    4 (registers)   16
//   backward weights    91 / 94     32 KB    5 (registers)   20
//   backward bias       32           4 KB    8 (threads)     64
#include "gridstride.cuh"

// Batch; sizes of input, output and kernel; stride, padding (top, left), dilation; groups.
struct Sizes {
  int n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw, dilh, dilw, groups;

  __device__ __forceinline__ int group_ic() const { return ic / groups; }
  __device__ __forceinline__ int group_oc() const { return oc / groups; }
  __device__ __forceinline__ int filter() const { return kh * kw * group_ic(); }  // weights of an output channel
};

// A position that no tap brings inside, and a tap that brings no position inside.
constexpr int OUTSIDE = -(1 << 30);

// Where a row of a block, one pixel, starts reading: the element of its image where the channels of
// its group start, and the position that the first tap would read.
struct alignas(16) Pixel {
  i64 image;
  int y, x;
};

// What one column adds: a step in the image and a channel of the group.
struct Tap {
  int y, x, channel;
};

// Column j = (kh, kw, channel), channel fastest, to its tap; each tap is (dilh, dilw) from the next.
struct Taps {
  Divisor channels, width;
  int dilh, dilw, count;

  __device__ __forceinline__ Taps(int kh, int kw, int channels, int dilh, int dilw) : channels(channels), width(kw), dilh(dilh), dilw(dilw), count(kh * kw * channels) {}
  __device__ __forceinline__ Tap at(int j) const {
    if (j >= count) return {OUTSIDE, OUTSIDE, 0};
    const int tap = channels.quotient(j), y = width.quotient(tap);
    return {y * dilh, width.remainder(tap, y) * dilw, channels.remainder(j, tap)};
  }
};

// Operands for copy_tile. A chunk of 16 bytes is of one tap if the group's channels are a multiple.
template <typename T>
__device__ __forceinline__ bool chunked_by_channel(const T* p, int channels) {
  return reinterpret_cast<u64>(p) % 16 == 0 && channels % tensor::CHUNK<T> == 0;
}

// Forward, A: row = output pixel, column = (kh, kw, ic): what the tap reads of x.
template <typename T>
struct Patches {
  const T* p;
  const Pixel* pixels;  // of this block's rows
  int first, h, w, c;
  Taps taps;
  bool chunked;

  __device__ __forceinline__ Tap column(int j) const { return taps.at(j); }
  __device__ __forceinline__ const T* at(int row, const Tap& tap) const {
    const Pixel pixel = pixels[row - first];
    const int y = pixel.y + tap.y, x = pixel.x + tap.x;
    if (y < 0 || y >= h || x < 0 || x >= w) return nullptr;
    return p + pixel.image + (static_cast<i64>(y) * w + x) * c + tap.channel;
  }
};

// Backward data, A: row = input pixel, column = (kh, kw, oc): the output gradient that met the pixel
// in this tap, if the stride lands there. Taps count backwards.
template <typename T>
struct GradientPatches {
  const T* p;
  const Pixel* pixels;
  int first, h, w, c;
  Taps taps;
  Divisor sh, sw;
  bool chunked;

  __device__ __forceinline__ Tap column(int j) const { return taps.at(j); }
  __device__ __forceinline__ const T* at(int row, const Tap& tap) const {
    const Pixel pixel = pixels[row - first];
    const int y = pixel.y + tap.y, x = pixel.x + tap.x;
    if (y < 0 || x < 0) return nullptr;
    const int oy = sh.quotient(y), ox = sw.quotient(x);
    if (sh.remainder(y, oy) != 0 || sw.remainder(x, ox) != 0 || oy >= h || ox >= w) return nullptr;
    return p + pixel.image + (static_cast<i64>(oy) * w + ox) * c + tap.channel;
  }
};

// Backward data, B: row = (kh, kw, oc), column = ic: the weights [oc, kh, kw, ic] of one group.
template <typename T>
struct TransposedFilter {
  const T* p;
  Divisor channels;
  int taps, columns;
  bool chunked;

  __device__ __forceinline__ int column(int c) const { return c; }
  __device__ __forceinline__ const T* at(int row, int c) const {
    const int tap = channels.quotient(row);
    if (tap >= taps || c >= columns) return nullptr;
    return p + (static_cast<i64>(channels.remainder(row, tap)) * taps + tap) * columns + c;
  }
};

// Backward weights, B: row = output pixel, column = (kh, kw, ic): Patches with too many rows for a
// table of pixels.
template <typename T>
struct PatchesByDivision {
  const T* p;
  int rows, h, w, c, sh, sw, ph, pw;
  Divisor area, width;  // of the output
  Taps taps;
  bool chunked;

  __device__ __forceinline__ Tap column(int j) const { return taps.at(j); }
  __device__ __forceinline__ const T* at(int row, const Tap& tap) const {
    if (row >= rows) return nullptr;
    const int image = area.quotient(row), pixel = area.remainder(row, image), oy = width.quotient(pixel);
    const int y = oy * sh - ph + tap.y, x = width.remainder(pixel, oy) * sw - pw + tap.x;
    if (y < 0 || y >= h || x < 0 || x >= w) return nullptr;
    return p + ((static_cast<i64>(image) * h + y) * w + x) * c + tap.channel;
  }
};

// Fills the table of pixels for rows first.. of n * h * w, each at (y, x) = (its own * s + shift).
template <int ROWS, int THREADS>
__device__ __forceinline__ void fill_pixels(Pixel* pixels, int first, int n, int h, int w, i64 image_size, int channel, int sh, int sw, int shift_h, int shift_w) {
  for (int r = static_cast<int>(threadIdx.x); r < ROWS; r += THREADS) {
    const int row = first + r, image = row / (h * w), pixel = row % (h * w);
    if (image < n) {
      pixels[r] = {image * image_size + channel, pixel / w * sh + shift_h, pixel % w * sw + shift_w};
    } else {
      pixels[r] = {0, OUTSIDE, OUTSIDE};
    }
  }
  __syncthreads();
}

template <typename T>
__device__ __forceinline__ void forward(float* y, bf16* y_bf16, const T* x, const T* w, const float* bias, const Sizes& s, bool relu) {
  constexpr int BM = 128, BN = 64;
  using Product = tensor::Product<T, true, true, BM, BN, 64, 32, 3>;
  const int tiles = ceil_div(s.group_oc(), BN);
  const int group = static_cast<int>(blockIdx.y) / tiles;
  const int m0 = static_cast<int>(blockIdx.x) * BM, n0 = static_cast<int>(blockIdx.y) % tiles * BN;
  const int out = group * s.group_oc();

  __shared__ Pixel pixels[BM];
  fill_pixels<BM, Product::THREADS>(pixels, m0, s.n, s.oh, s.ow, static_cast<i64>(s.ih) * s.iw * s.ic, group * s.group_ic(), s.sh, s.sw, -s.ph, -s.pw);
  const Patches<T> a{x, pixels, m0, s.ih, s.iw, s.ic, Taps(s.kh, s.kw, s.group_ic(), s.dilh, s.dilw), chunked_by_channel(x, s.group_ic())};
  const tensor::Matrix<T> b(w + static_cast<i64>(out) * s.filter(), s.group_oc(), s.filter(), s.filter());
  Product product;
  product.add(a, b, m0, n0, 0, s.filter());
  product.store(y != nullptr ? y + out : nullptr, y_bf16 != nullptr ? y_bf16 + out : nullptr, bias != nullptr ? bias + out : nullptr, relu, m0, n0, s.n * s.oh * s.ow, s.group_oc(), s.oc);
}

template <typename T>
__device__ __forceinline__ void backward_data(float* dx, bf16* dx_bf16, const T* dy, const T* w, const Sizes& s) {
  constexpr int BM = 128, BN = 64;
  using Product = tensor::Product<T, true, false, BM, BN, 64, 32, 3>;
  const int tiles = ceil_div(s.group_ic(), BN);
  const int group = static_cast<int>(blockIdx.y) / tiles;
  const int m0 = static_cast<int>(blockIdx.x) * BM, n0 = static_cast<int>(blockIdx.y) % tiles * BN;
  const int in = group * s.group_ic();

  __shared__ Pixel pixels[BM];
  fill_pixels<BM, Product::THREADS>(pixels, m0, s.n, s.ih, s.iw, static_cast<i64>(s.oh) * s.ow * s.oc, group * s.group_oc(), 1, 1, s.ph, s.pw);
  const Taps taps(s.kh, s.kw, s.group_oc(), -s.dilh, -s.dilw);
  const GradientPatches<T> a{dy, pixels, m0, s.oh, s.ow, s.oc, taps, Divisor(s.sh), Divisor(s.sw), chunked_by_channel(dy, s.group_oc())};
  const T* filter = w + static_cast<i64>(group) * s.group_oc() * s.filter();
  const TransposedFilter<T> b{filter, Divisor(s.group_oc()), s.kh * s.kw, s.group_ic(), chunked_by_channel(filter, s.group_ic())};
  Product product;
  product.add(a, b, m0, n0, 0, taps.count);
  product.store(dx != nullptr ? dx + in : nullptr, dx_bf16 != nullptr ? dx_bf16 + in : nullptr, nullptr, false, m0, n0, s.n * s.ih * s.iw, s.group_ic(), s.ic);
}

template <typename T>
__device__ __forceinline__ void backward_weights(float* dw, const T* x, const T* dy, const Sizes& s) {
  constexpr int BM = 64, BN = 64;
  using Product = tensor::Product<T, false, false, BM, BN, 32, 32, 4>;
  const int tiles = ceil_div(s.group_oc(), BM);
  const int group = static_cast<int>(blockIdx.y) / tiles;
  const int m0 = static_cast<int>(blockIdx.y) % tiles * BM, n0 = static_cast<int>(blockIdx.x) * BN;
  const int out = group * s.group_oc(), pixels = s.n * s.oh * s.ow;

  const tensor::Matrix<T> a(dy + out, pixels, s.group_oc(), s.oc);
  const T* image = x + group * s.group_ic();
  const PatchesByDivision<T> b{image, pixels, s.ih, s.iw, s.ic, s.sh, s.sw, s.ph, s.pw, Divisor(s.oh * s.ow), Divisor(s.ow), Taps(s.kh, s.kw, s.group_ic(), s.dilh, s.dilw), chunked_by_channel(image, s.group_ic())};
  Product product;
  product.add(a, b, m0, n0, Product::part(pixels, blockIdx.z, gridDim.z), Product::part(pixels, blockIdx.z + 1, gridDim.z));
  const i64 first = static_cast<i64>(blockIdx.z) * s.oc + out;
  product.store(dw + first * s.filter(), nullptr, nullptr, false, m0, n0, s.group_oc(), s.filter(), s.filter());
}

// y [n, oh, ow, oc], x [n, ih, iw, ic], w [oc, kh, kw, ic / groups], bias [oc] or null.
extern "C" __global__ void __launch_bounds__(128) conv2d_forward_tf32(float* y, const float* x, const float* w, const float* bias, int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw, int sh, int sw, int ph, int pw, int dilh, int dilw, int groups, int relu) {
  forward<float>(y, nullptr, x, w, bias, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw, dilh, dilw, groups}, relu != 0);
}
extern "C" __global__ void __launch_bounds__(128) conv2d_forward_bf16(float* y, bf16* y_bf16, const bf16* x, const bf16* w, const float* bias, int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw, int sh, int sw, int ph, int pw, int dilh, int dilw, int groups, int relu) {
  forward<bf16>(y, y_bf16, x, w, bias, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw, dilh, dilw, groups}, relu != 0);
}

// dx [n, ih, iw, ic], dy [n, oh, ow, oc], w [oc, kh, kw, ic / groups].
extern "C" __global__ void __launch_bounds__(128) conv2d_backward_data_tf32(float* dx, const float* dy, const float* w, int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw, int sh, int sw, int ph, int pw, int dilh, int dilw, int groups) {
  backward_data<float>(dx, nullptr, dy, w, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw, dilh, dilw, groups});
}
extern "C" __global__ void __launch_bounds__(128) conv2d_backward_data_bf16(float* dx, bf16* dx_bf16, const bf16* dy, const bf16* w, int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw, int sh, int sw, int ph, int pw, int dilh, int dilw, int groups) {
  backward_data<bf16>(dx, dx_bf16, dy, w, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw, dilh, dilw, groups});
}

// dw [gridDim.z, oc, kh, kw, ic / groups], x [n, ih, iw, ic], dy [n, oh, ow, oc].
extern "C" __global__ void __launch_bounds__(128) conv2d_backward_weights_tf32(float* dw, const float* x, const float* dy, int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw, int sh, int sw, int ph, int pw, int dilh, int dilw, int groups) {
  backward_weights<float>(dw, x, dy, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw, dilh, dilw, groups});
}
extern "C" __global__ void __launch_bounds__(128) conv2d_backward_weights_bf16(float* dw, const bf16* x, const bf16* dy, int n, int ih, int iw, int ic, int oh, int ow, int oc, int kh, int kw, int sh, int sw, int ph, int pw, int dilh, int dilw, int groups) {
  backward_weights<bf16>(dw, x, dy, {n, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, ph, pw, dilh, dilw, groups});
}

// Column sums of a bf16 matrix for V columns a thread: the bias gradient, first stage.
template <int V>
__device__ __forceinline__ void backward_bias(float* parts, const bf16* dy, int rows, int oc, Floats<V>* scratch) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) * V;
  const int first = static_cast<int>(static_cast<i64>(rows) * blockIdx.y / gridDim.y);
  const int end = static_cast<int>(static_cast<i64>(rows) * (blockIdx.y + 1) / gridDim.y);
  Floats<V> sum = same_floats<V>(0.0f);
  if (column < oc) {
    for (int row = first + static_cast<int>(threadIdx.y); row < end; row += static_cast<int>(blockDim.y)) {
      const bf16* from = dy + static_cast<i64>(row) * oc + column;
      if constexpr (V == 4) {
        const uint2 v = *reinterpret_cast<const uint2*>(from);
        sum.at[0] += low_bf16(v.x), sum.at[1] += high_bf16(v.x), sum.at[2] += low_bf16(v.y), sum.at[3] += high_bf16(v.y);
      } else {
        sum.at[0] += bf16_to_float(*from);
      }
    }
  }
  sum = sum_over_y<V>(sum, scratch);
  if (threadIdx.y == 0 && column < oc) {
    for (int j = 0; j < V; j++) parts[static_cast<i64>(blockIdx.y) * oc + column + j] = sum.at[j];
  }
}

// parts [gridDim.y, oc], dy [rows, oc] with rows = n oh ow. Grid (ceil(oc / (V blockDim.x)), parts),
// block (x, 256 / x), both powers of two; V = 4 columns a thread where oc is a multiple of 4 and dy
// starts on 8 bytes (`vector`), else 1. Sum the parts with matmul_sum_parts_f32.
extern "C" __global__ void __launch_bounds__(256) conv2d_backward_bias_bf16(float* parts, const bf16* dy, int rows, int oc, int vector) {
  __shared__ Floats<4> scratch[256];
  if (vector != 0) {
    backward_bias<4>(parts, dy, rows, oc, scratch);
  } else {
    backward_bias<1>(parts, dy, rows, oc, reinterpret_cast<Floats<1>*>(scratch));
  }
}
