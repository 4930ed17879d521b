// Pooling. The maximum of a window, and the place its gradient goes to, is the first in row-major order.
#include <algorithm>
#include <cmath>

#include "tensor.h"

namespace gridstride::cudnn {

namespace {

struct Pooling {
  static constexpr const char *NAME = "pooling descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  int mode = 0, nan_propagation = 0, rank = 0;
  int window[DIM_MAX] = {}, pad[DIM_MAX] = {}, stride[DIM_MAX] = {};

  bool maximum() const { return mode == POOL_MAX || mode == POOL_MAX_DETERMINISTIC; }
  std::string describe() const {
    return text("%dx%d, pad %dx%d, stride %dx%d", window[0], window[1], pad[0], pad[1], stride[0], stride[1]);
  }
};

void set_pooling(Pooling* pooling, int mode, int nan_propagation, int rank, const int* window, const int* pad,
                 const int* stride) {
  Pooling& p = given(pooling, "the pooling descriptor");
  if (mode < POOL_MAX || mode > POOL_MAX_DETERMINISTIC) fail(BAD_PARAM, "%d is no pooling mode", mode);
  check_nan_propagation(nan_propagation);
  if (rank < 1 || rank > DIM_MAX - 2) fail(BAD_PARAM, "%d spatial dimensions", rank);
  for (int i = 0; i < rank; i++) {
    if (window[i] <= 0) fail(BAD_PARAM, "window %d of dimension %d is not positive", window[i], i);
    if (stride[i] <= 0) fail(BAD_PARAM, "stride %d of dimension %d is not positive", stride[i], i);
  }
  p.mode = mode;
  p.nan_propagation = nan_propagation;
  p.rank = rank;
  std::copy(window, window + rank, p.window);
  std::copy(pad, pad + rank, p.pad);
  std::copy(stride, stride + rank, p.stride);
  p.set = true;
}

void output_dims(const Pooling& p, const Shape& x, int* dims) {
  if (x.rank != p.rank + 2) fail(BAD_PARAM, "x has %d dimensions, the window %d spatial ones", x.rank, p.rank);
  dims[0] = x.dim[0];
  dims[1] = x.dim[1];
  bool fits = true;
  for (int i = 0; i < p.rank; i++) {
    int room = x.dim[i + 2] + 2 * p.pad[i] - p.window[i];
    dims[i + 2] = room < 0 ? 0 : room / p.stride[i] + 1;
    fits = fits && room >= 0;
  }
  if (!fits) fail(BAD_PARAM, "the window (%s) is larger than the padded input %s", p.describe().c_str(), x.describe().c_str());
}

// x and y fit each other and this library.
void check_shapes(const Pooling& p, const Shape& x, const Shape& y) {
  int dims[DIM_MAX];
  output_dims(p, x, dims);
  if (x.type != y.type) fail(BAD_PARAM, "x is %s, y %s", type_name(x.type), type_name(y.type));
  if (y.rank != x.rank || !std::equal(dims, dims + x.rank, y.dim)) {
    std::string wanted;
    for (int i = 0; i < x.rank; i++) wanted += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
    fail(BAD_PARAM, "y is %s, [%s] expected", y.describe().c_str(), wanted.c_str());
  }
  if (p.rank != 2) fail(NOT_SUPPORTED, "%d spatial dimensions; the simulated library pools in 2", p.rank);
  for (int i = 0; i < 2; i++) {
    if (p.pad[i] < 0 || p.pad[i] >= p.window[i]) {
      fail(NOT_SUPPORTED, "padding %d of a window of %d: a window may lie outside of the image", p.pad[i], p.window[i]);
    }
  }
}

// The part of a window that lies in the image.
struct Window {
  int top, bottom, left, right, all;  // all: with the padding

  Window(const Pooling& p, const Shape& x, int i, int j) {
    int y0 = i * p.stride[0] - p.pad[0], x0 = j * p.stride[1] - p.pad[1];
    top = std::max(y0, 0), bottom = std::min(y0 + p.window[0], x.dim[2]);
    left = std::max(x0, 0), right = std::min(x0 + p.window[1], x.dim[3]);
    all = p.window[0] * p.window[1];
  }
  int divisor(const Pooling& p) const {
    return p.mode == POOL_AVERAGE_INCLUDE ? all : (bottom - top) * (right - left);
  }
};

// Calls body(window, x of the image, index of y's first channel) for every window; channels are innermost.
template <class Body>
void each_window(const Pooling& p, const Shape& x, const Shape& y, Body&& body) {
  size_t c = static_cast<size_t>(x.dim[1]), at = 0;
  size_t image = static_cast<size_t>(x.dim[2]) * static_cast<size_t>(x.dim[3]) * c;
  for (int n = 0; n < y.dim[0]; n++) {
    for (int i = 0; i < y.dim[2]; i++) {
      for (int j = 0; j < y.dim[3]; j++, at += c) body(Window(p, x, i, j), static_cast<size_t>(n) * image, at);
    }
  }
}

// Whether v takes the place of the best so far. NaN wins and stays where it propagates, and else never counts.
bool better(float v, float best, bool propagate) {
  if (propagate) return v > best || (std::isnan(v) && !std::isnan(best));
  return v > best;
}

std::vector<float> pool(const Pooling& p, const Shape& x, const Shape& y, const std::vector<float>& in) {
  std::vector<float> out(static_cast<size_t>(y.count()));
  size_t channels = static_cast<size_t>(x.dim[1]), width = static_cast<size_t>(x.dim[3]);
  bool propagate = p.nan_propagation != 0;
  each_window(p, x, y, [&](const Window& w, size_t image, size_t at) {
    float* to = out.data() + at;
    std::fill(to, to + channels, p.maximum() ? -INFINITY : 0.0f);
    for (int i = w.top; i < w.bottom; i++) {
      for (int j = w.left; j < w.right; j++) {
        const float* from = in.data() + image + (static_cast<size_t>(i) * width + static_cast<size_t>(j)) * channels;
        for (size_t c = 0; c < channels; c++) {
          if (!p.maximum()) {
            to[c] += from[c];
          } else if (better(from[c], to[c], propagate)) {
            to[c] = from[c];
          }
        }
      }
    }
    if (p.maximum()) return;
    float divisor = static_cast<float>(w.divisor(p));
    for (size_t c = 0; c < channels; c++) to[c] /= divisor;
  });
  return out;
}

std::vector<float> pool_backward(const Pooling& p, const Shape& x, const Shape& y, const std::vector<float>& in,
                                 const std::vector<float>& gradient) {
  std::vector<float> out(static_cast<size_t>(x.count()));
  size_t channels = static_cast<size_t>(x.dim[1]), width = static_cast<size_t>(x.dim[3]);
  std::vector<size_t> best(channels);
  each_window(p, x, y, [&](const Window& w, size_t image, size_t at) {
    const float* dy = gradient.data() + at;
    if (!p.maximum()) {
      float divisor = static_cast<float>(w.divisor(p));
      for (int i = w.top; i < w.bottom; i++) {
        for (int j = w.left; j < w.right; j++) {
          float* to = out.data() + image + (static_cast<size_t>(i) * width + static_cast<size_t>(j)) * channels;
          for (size_t c = 0; c < channels; c++) to[c] += dy[c] / divisor;
        }
      }
      return;
    }
    size_t first = image + (static_cast<size_t>(w.top) * width + static_cast<size_t>(w.left)) * channels;
    for (size_t c = 0; c < channels; c++) best[c] = first + c;
    for (int i = w.top; i < w.bottom; i++) {
      for (int j = w.left; j < w.right; j++) {
        size_t from = image + (static_cast<size_t>(i) * width + static_cast<size_t>(j)) * channels;
        for (size_t c = 0; c < channels; c++) {
          if (better(in[from + c], in[best[c]], p.nan_propagation != 0)) best[c] = from + c;
        }
      }
    }
    for (size_t c = 0; c < channels; c++) out[best[c]] += dy[c];
  });
  return out;
}

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;
using gridstride::library::Range;

LIBRARY_CALL cudnnCreatePoolingDescriptor(Pooling** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyPoolingDescriptor(Pooling* pooling) {
  CALL
  destroy_object(pooling);
  END_CALL
}

LIBRARY_CALL cudnnSetPooling2dDescriptor(Pooling* pooling, int mode, int nan_propagation, int window_h, int window_w,
                                         int pad_h, int pad_w, int stride_h, int stride_w) {
  CALL
  int window[] = {window_h, window_w}, pad[] = {pad_h, pad_w}, stride[] = {stride_h, stride_w};
  set_pooling(pooling, mode, nan_propagation, 2, window, pad, stride);
  END_CALL
}

LIBRARY_CALL cudnnSetPoolingNdDescriptor(Pooling* pooling, int mode, int nan_propagation, int rank, const int* window,
                                         const int* pad, const int* stride) {
  CALL
  need_places(window, pad, stride);
  set_pooling(pooling, mode, nan_propagation, rank, window, pad, stride);
  END_CALL
}

LIBRARY_CALL cudnnGetPooling2dDescriptor(Pooling* pooling, int* mode, int* nan_propagation, int* window_h, int* window_w,
                                         int* pad_h, int* pad_w, int* stride_h, int* stride_w) {
  CALL
  const Pooling& p = given(pooling, "the pooling descriptor");
  need_places(mode, nan_propagation, window_h, window_w, pad_h, pad_w, stride_h, stride_w);
  *mode = p.mode;
  *nan_propagation = p.nan_propagation;
  *window_h = p.window[0];
  *window_w = p.window[1];
  *pad_h = p.pad[0];
  *pad_w = p.pad[1];
  *stride_h = p.stride[0];
  *stride_w = p.stride[1];
  END_CALL
}

LIBRARY_CALL cudnnGetPoolingNdDescriptor(Pooling* pooling, int requested, int* mode, int* nan_propagation, int* rank,
                                         int* window, int* pad, int* stride) {
  CALL
  const Pooling& p = given(pooling, "the pooling descriptor");
  need_places(mode, nan_propagation, rank, window, pad, stride);
  int n = std::min(requested, p.rank);
  *mode = p.mode;
  *nan_propagation = p.nan_propagation;
  *rank = p.rank;
  std::copy(p.window, p.window + n, window);
  std::copy(p.pad, p.pad + n, pad);
  std::copy(p.stride, p.stride + n, stride);
  END_CALL
}

LIBRARY_CALL cudnnGetPooling2dForwardOutputDim(Pooling* pooling, Tensor* x, int* n, int* c, int* h, int* w) {
  CALL
  need_places(n, c, h, w);
  int dims[DIM_MAX];
  const Shape& in = given_set(x, "x").shape;
  if (in.rank != 4) fail(BAD_PARAM, "x has %d dimensions, 4 expected", in.rank);
  output_dims(given_set(pooling, "the pooling descriptor"), in, dims);
  *n = dims[0];
  *c = dims[1];
  *h = dims[2];
  *w = dims[3];
  END_CALL
}

LIBRARY_CALL cudnnGetPoolingNdForwardOutputDim(Pooling* pooling, Tensor* x, int rank, int* out) {
  CALL
  need(out, "the place for the result");
  int dims[DIM_MAX];
  const Shape& in = given_set(x, "x").shape;
  if (rank != in.rank) fail(BAD_PARAM, "%d extents asked for, x has %d dimensions", rank, in.rank);
  output_dims(given_set(pooling, "the pooling descriptor"), in, dims);
  std::copy(dims, dims + rank, out);
  END_CALL
}

LIBRARY_CALL cudnnPoolingForward(Handle* handle, Pooling* pooling, const float* alpha, Tensor* x_descriptor,
                                 const void* x, const float* beta, Tensor* y_descriptor, void* y) {
  CALL
  Handle& h = handle_of(handle);
  Pooling p = given_set(pooling, "the pooling descriptor");
  Shape xs = operand(x_descriptor, "x"), ys = operand(y_descriptor, "y");
  check_shapes(p, xs, ys);
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, xs, x, Access::READ, "x");
  add_ranges(ranges, ys, y, output(b), "y");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, text("x %s, window %s", xs.describe().c_str(), p.describe().c_str()), std::move(ranges), [=] {
    std::vector<float> values = pool(p, xs, ys, load(xs, x, channels_last_order(xs)));
    store(ys, y, channels_last_order(ys), values.data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnPoolingBackward(Handle* handle, Pooling* pooling, const float* alpha, Tensor* y_descriptor,
                                  const void* y, Tensor* dy_descriptor, const void* dy, Tensor* x_descriptor,
                                  const void* x, const float* beta, Tensor* dx_descriptor, void* dx) {
  CALL
  Handle& h = handle_of(handle);
  Pooling p = given_set(pooling, "the pooling descriptor");
  Shape ys = operand(y_descriptor, "y"), dys = operand(dy_descriptor, "dy"), xs = operand(x_descriptor, "x"),
        dxs = operand(dx_descriptor, "dx");
  check_shapes(p, xs, ys);
  check_same(dys, "dy", ys, "y", true);
  check_same(dxs, "dx", xs, "x", true);
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, dys, dy, Access::READ, "dy");
  check_pointer(y, ys.type, "y");
  check_pointer(x, xs.type, "x");
  if (p.maximum()) {  // an average's gradient does not depend on them
    add_ranges(ranges, ys, y, Access::READ, "y");
    add_ranges(ranges, xs, x, Access::READ, "x");
  }
  add_ranges(ranges, dxs, dx, output(b), "dx");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, text("x %s, window %s", xs.describe().c_str(), p.describe().c_str()), std::move(ranges), [=] {
    Order in = channels_last_order(xs);
    std::vector<float> gradient = load(dys, dy, channels_last_order(dys)), maxima;
    if (p.maximum()) maxima = load(xs, x, in);
    store(dxs, dx, in, pool_backward(p, xs, ys, maxima, gradient).data(), a, b);
  });
  END_CALL
}
