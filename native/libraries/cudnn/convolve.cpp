// The loops of the convolutions, and the calls that put them into a stream. Operands are copied to float32 with their
// channels last, so that the innermost loop runs over neighbours in memory; sums are float32, in a fixed order.
#include <algorithm>
#include <atomic>

#include "activation.h"
#include "convolution.h"
#include "numbers.h"

namespace gridstride::cudnn {

namespace {

void to_tf32(std::vector<float>& values) {
  for (float& v : values) v = library::to_tf32(v);
}

std::vector<float> operand_values(const Problem& p, const Shape& shape, const void* at, const Order& order) {
  std::vector<float> values = load(shape, at, order);
  if (p.tensor_cores) to_tf32(values);
  return values;
}

// Of a filter [K, C, R, S] with the taps outermost: R, S, K, C, or R, S, C, K.
Order taps_first(bool channels_last) { return channels_last ? Order{4, {2, 3, 0, 1}} : Order{4, {2, 3, 1, 0}}; }

// Whether a filter's gradient lies as R, S, K, C in the loops, or as R, S, C, K: the innermost loop is to be long.
bool inputs_innermost(const Problem& p) { return p.c() >= p.k(); }

// The geometry, as plain numbers.
struct Sizes {
  int64_t n, h, w, c, p, q, k, r, s, group_c, group_k;
  int groups, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  bool flipped;  // a true convolution turns the filter round

  explicit Sizes(const Problem& problem) {
    const Convolution& v = problem.convolution;
    n = problem.n(), c = problem.c(), h = problem.x.dim[2], w = problem.x.dim[3];
    k = problem.k(), p = problem.y.dim[2], q = problem.y.dim[3], r = problem.w.dim[2], s = problem.w.dim[3];
    groups = v.groups, group_c = c / groups, group_k = k / groups;
    stride_h = v.stride[0], stride_w = v.stride[1], pad_h = v.pad[0], pad_w = v.pad[1];
    dilation_h = v.dilation[0], dilation_w = v.dilation[1], flipped = v.mode == CONVOLUTION;
  }

  // Calls body(x's pixel, tap) for every tap of the filter that falls into the image.
  template <class Body>
  void each_tap(int64_t out_y, int64_t out_x, Body&& body) const {
    for (int64_t i = 0; i < r; i++) {
      int64_t y = out_y * stride_h - pad_h + i * dilation_h;
      if (y < 0 || y >= h) continue;
      for (int64_t j = 0; j < s; j++) {
        int64_t x = out_x * stride_w - pad_w + j * dilation_w;
        if (x < 0 || x >= w) continue;
        body(y * w + x, flipped ? (r - 1 - i) * s + s - 1 - j : i * s + j);
      }
    }
  }
};

// out[i] += factor * in[i]
inline void add_scaled(float* __restrict out, const float* __restrict in, float factor, int64_t count) {
  for (int64_t i = 0; i < count; i++) out[i] += factor * in[i];
}

// Nondeterministic algorithms start their sums elsewhere each time.
size_t next_rotation(const Algorithm& algorithm) {
  static std::atomic<size_t> turn{0};
  return algorithm.deterministic ? 0 : ++turn;
}

}  // namespace

std::vector<float> forward(const Problem& problem, const void* x_at, const void* w_at) {
  Sizes z(problem);
  std::vector<float> x = operand_values(problem, problem.x, x_at, channels_last_order(problem.x)),
                     w = operand_values(problem, problem.w, w_at, taps_first(false)),
                     y(static_cast<size_t>(z.n * z.p * z.q * z.k));
  float* out = y.data();
  for (int64_t n = 0; n < z.n; n++) {
    const float* image = x.data() + n * z.h * z.w * z.c;
    for (int64_t i = 0; i < z.p; i++) {
      for (int64_t j = 0; j < z.q; j++, out += z.k) {
        z.each_tap(i, j, [&](int64_t pixel, int64_t tap) {
          for (int g = 0; g < z.groups; g++) {
            const float* in = image + pixel * z.c + g * z.group_c;
            const float* row = w.data() + tap * z.group_c * z.k + g * z.group_k;
            for (int64_t c = 0; c < z.group_c; c++) add_scaled(out + g * z.group_k, row + c * z.k, in[c], z.group_k);
          }
        });
      }
    }
  }
  return y;
}

std::vector<float> backward_data(const Problem& problem, const void* w_at, const void* y_at, size_t rotation) {
  Sizes z(problem);
  std::vector<float> y = operand_values(problem, problem.y, y_at, channels_last_order(problem.y)),
                     w = operand_values(problem, problem.w, w_at, taps_first(true)),
                     x(static_cast<size_t>(z.n * z.h * z.w * z.c));
  const float* in = y.data();
  int64_t start = static_cast<int64_t>(rotation % static_cast<size_t>(z.group_k));
  for (int64_t n = 0; n < z.n; n++) {
    float* image = x.data() + n * z.h * z.w * z.c;
    for (int64_t i = 0; i < z.p; i++) {
      for (int64_t j = 0; j < z.q; j++, in += z.k) {
        z.each_tap(i, j, [&](int64_t pixel, int64_t tap) {
          for (int g = 0; g < z.groups; g++) {
            float* out = image + pixel * z.c + g * z.group_c;
            const float* filters = w.data() + (tap * z.k + g * z.group_k) * z.group_c;
            for (int64_t l = 0; l < z.group_k; l++) {
              int64_t k = l + start < z.group_k ? l + start : l + start - z.group_k;
              add_scaled(out, filters + k * z.group_c, in[g * z.group_k + k], z.group_c);
            }
          }
        });
      }
    }
  }
  return x;
}

std::vector<float> backward_filter(const Problem& problem, const void* x_at, const void* y_at, size_t rotation) {
  Sizes z(problem);
  std::vector<float> x = operand_values(problem, problem.x, x_at, channels_last_order(problem.x)),
                     y = operand_values(problem, problem.y, y_at, channels_last_order(problem.y)),
                     w(static_cast<size_t>(z.k * z.r * z.s * z.group_c)), part(w.size());
  // A sum for each image and tap, then one over the images.
  for (int64_t m = 0; m < z.n; m++) {
    int64_t n = (m + static_cast<int64_t>(rotation % static_cast<size_t>(z.n))) % z.n;
    const float* image = x.data() + n * z.h * z.w * z.c;
    const float* in = y.data() + n * z.p * z.q * z.k;
    std::fill(part.begin(), part.end(), 0.0f);
    for (int64_t i = 0; i < z.p; i++) {
      for (int64_t j = 0; j < z.q; j++, in += z.k) {
        z.each_tap(i, j, [&](int64_t pixel, int64_t tap) {
          const float* from = image + pixel * z.c;
          if (inputs_innermost(problem)) {
            for (int64_t k = 0; k < z.k; k++) {
              float* sums = part.data() + (tap * z.k + k) * z.group_c;
              add_scaled(sums, from + k / z.group_k * z.group_c, in[k], z.group_c);
            }
          } else {
            for (int64_t c = 0; c < z.c; c++) {
              int64_t first = c / z.group_c * z.group_k;
              add_scaled(part.data() + (tap * z.group_c + c % z.group_c) * z.k + first, in + first, from[c], z.group_k);
            }
          }
        });
      }
    }
    add_scaled(w.data(), part.data(), 1.0f, static_cast<int64_t>(w.size()));
  }
  return w;
}

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;
using gridstride::library::Range;

LIBRARY_CALL cudnnConvolutionForward(Handle* handle, const float* alpha, Tensor* x_descriptor, const void* x,
                                   Filter* w_descriptor, const void* w, Convolution* convolution, int number,
                                   void* workspace, size_t bytes, const float* beta, Tensor* y_descriptor, void* y) {
  CALL
  Handle& h = handle_of(handle);
  Problem p = problem_of(Pass::FORWARD, x_descriptor, w_descriptor, convolution, y_descriptor);
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  const Algorithm& algorithm = checked_algorithm(p, number, workspace, bytes, ranges);
  add_ranges(ranges, p.x, x, Access::READ, "x");
  add_ranges(ranges, p.w, w, Access::READ, "w");
  add_ranges(ranges, p.y, y, output(b), "y");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, text("%s, %s", algorithm.name, p.describe().c_str()), std::move(ranges), [=] {
    store(p.y, y, channels_last_order(p.y), forward(p, x, w).data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnConvolutionBackwardData(Handle* handle, const float* alpha, Filter* w_descriptor, const void* w,
                                        Tensor* dy_descriptor, const void* dy, Convolution* convolution, int number,
                                        void* workspace, size_t bytes, const float* beta, Tensor* dx_descriptor,
                                        void* dx) {
  CALL
  Handle& h = handle_of(handle);
  Problem p = problem_of(Pass::BACKWARD_DATA, dx_descriptor, w_descriptor, convolution, dy_descriptor);
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  const Algorithm& algorithm = checked_algorithm(p, number, workspace, bytes, ranges);
  add_ranges(ranges, p.w, w, Access::READ, "w");
  add_ranges(ranges, p.y, dy, Access::READ, "dy");
  add_ranges(ranges, p.x, dx, output(b), "dx");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, text("%s, %s", algorithm.name, p.describe().c_str()), std::move(ranges), [=, &algorithm] {
    std::vector<float> values = backward_data(p, w, dy, next_rotation(algorithm));
    store(p.x, dx, channels_last_order(p.x), values.data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnConvolutionBackwardFilter(Handle* handle, const float* alpha, Tensor* x_descriptor, const void* x,
                                          Tensor* dy_descriptor, const void* dy, Convolution* convolution, int number,
                                          void* workspace, size_t bytes, const float* beta, Filter* dw_descriptor,
                                          void* dw) {
  CALL
  Handle& h = handle_of(handle);
  Problem p = problem_of(Pass::BACKWARD_FILTER, x_descriptor, dw_descriptor, convolution, dy_descriptor);
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  const Algorithm& algorithm = checked_algorithm(p, number, workspace, bytes, ranges);
  add_ranges(ranges, p.x, x, Access::READ, "x");
  add_ranges(ranges, p.y, dy, Access::READ, "dy");
  add_ranges(ranges, p.w, dw, output(b), "dw");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, text("%s, %s", algorithm.name, p.describe().c_str()), std::move(ranges), [=, &algorithm] {
    std::vector<float> values = backward_filter(p, x, dy, next_rotation(algorithm));
    store(p.w, dw, taps_first(inputs_innermost(p)), values.data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnConvolutionBackwardBias(Handle* handle, const float* alpha, Tensor* dy_descriptor, const void* dy,
                                        const float* beta, Tensor* db_descriptor, void* db) {
  CALL
  Handle& h = handle_of(handle);
  Shape dy_shape = operand(dy_descriptor, "dy"), db_shape = operand(db_descriptor, "db");
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  bool fits = db_shape.rank == dy_shape.rank && db_shape.type == dy_shape.type && db_shape.dim[1] == dy_shape.dim[1];
  if (!fits || db_shape.count() != db_shape.dim[1]) {
    fail(BAD_PARAM, "db is %s, dy %s: one number of its type for each channel expected", db_shape.describe().c_str(),
         dy_shape.describe().c_str());
  }
  std::vector<Range> ranges;
  add_ranges(ranges, dy_shape, dy, Access::READ, "dy");
  add_ranges(ranges, db_shape, db, output(b), "db");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, dy_shape.describe(), std::move(ranges), [=] {
    std::vector<float> in = load(dy_shape, dy, channels_last_order(dy_shape));
    size_t channels = static_cast<size_t>(dy_shape.dim[1]), images = static_cast<size_t>(dy_shape.dim[0]);
    std::vector<float> sum(channels), part(channels);
    for (size_t n = 0; n < images; n++) {  // a sum for each image, then one over the images
      std::fill(part.begin(), part.end(), 0.0f);
      size_t each = in.size() / images;
      for (size_t i = n * each; i < (n + 1) * each; i += channels) {
        add_scaled(part.data(), in.data() + i, 1.0f, static_cast<int64_t>(channels));
      }
      add_scaled(sum.data(), part.data(), 1.0f, static_cast<int64_t>(channels));
    }
    store(db_shape, db, natural_order(db_shape), sum.data(), a, b);
  });
  END_CALL
}

// y = activation(alpha1 * convolution(x, w) + alpha2 * z + bias)
LIBRARY_CALL cudnnConvolutionBiasActivationForward(Handle* handle, const float* alpha1, Tensor* x_descriptor, const void* x,
                                                 Filter* w_descriptor, const void* w, Convolution* convolution,
                                                 int number, void* workspace, size_t bytes, const float* alpha2,
                                                 Tensor* z_descriptor, const void* z, Tensor* bias_descriptor,
                                                 const void* bias, Activation* activation, Tensor* y_descriptor,
                                                 void* y) {
  CALL
  Handle& h = handle_of(handle);
  Problem p = problem_of(Pass::FORWARD, x_descriptor, w_descriptor, convolution, y_descriptor);
  Shape z_shape = operand(z_descriptor, "z"), bias_shape = operand(bias_descriptor, "the bias");
  Activation f = given_set(activation, "the activation descriptor");
  float a1 = factor(alpha1, "alpha1"), a2 = factor(alpha2, "alpha2");
  if (f.mode != RELU && f.mode != IDENTITY) fail(NOT_SUPPORTED, "the activation is neither RELU nor IDENTITY");
  if (f.nan_propagation != 0) fail(NOT_SUPPORTED, "the activation propagates NaN; NOT_PROPAGATE_NAN expected");
  if (f.mode == IDENTITY && number != 1) {
    fail(NOT_SUPPORTED, "IDENTITY goes with IMPLICIT_PRECOMP_GEMM alone, not with %s",
         algorithm_of(Pass::FORWARD, number).name);
  }
  bool fits = bias_shape.rank == p.y.rank && bias_shape.dim[1] == p.k() && bias_shape.count() == p.k();
  if (!fits || (p.k() > 1 && bias_shape.stride[1] != 1) || bias_shape.type != p.y.type) {
    fail(NOT_SUPPORTED, "the bias is %s; %d neighbours of y's type, %s, expected", bias_shape.describe().c_str(), p.k(),
         type_name(p.y.type));
  }
  if (!z_shape.same_strides(p.y) || z_shape.type != p.y.type) {
    fail(NOT_SUPPORTED, "z is %s, y %s: the same type, extents and strides expected", z_shape.describe().c_str(),
         p.y.describe().c_str());
  }
  std::vector<Range> ranges;
  const Algorithm& algorithm = checked_algorithm(p, number, workspace, bytes, ranges);
  add_ranges(ranges, p.x, x, Access::READ, "x");
  add_ranges(ranges, p.w, w, Access::READ, "w");
  add_ranges(ranges, bias_shape, bias, Access::READ, "the bias");
  need(z, "z");
  if (a2 != 0 && z != y) add_ranges(ranges, z_shape, z, Access::READ, "z");
  add_ranges(ranges, p.y, y, a2 != 0 && z == y ? Access::UPDATE : Access::WRITE, "y");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, text("%s, %s", algorithm.name, p.describe().c_str()), std::move(ranges), [=] {
    std::vector<float> values = forward(p, x, w), b = load(bias_shape, bias, natural_order(bias_shape)), more;
    if (a2 != 0) more = load(z_shape, z, channels_last_order(z_shape));
    size_t channels = b.size();
    for (size_t i = 0; i < values.size(); i++) {
      float v = a1 * values[i] + (a2 != 0 ? a2 * more[i] : 0) + b[i % channels];
      values[i] = f.mode == IDENTITY ? v : v > 0 ? v : 0;
    }
    store(p.y, y, channels_last_order(p.y), values.data(), 1, 0);
  });
  END_CALL
}
