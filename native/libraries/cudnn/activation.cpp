// Activations, elementwise.
#include "activation.h"

#include <algorithm>
#include <cmath>

namespace gridstride::cudnn {

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

float value(const Activation& f, float x) {
  double c = f.coefficient;
  bool nan_stays = std::isnan(x) && f.nan_propagation != 0;
  switch (f.mode) {
    case SIGMOID: return static_cast<float>(sigmoid(x));
    case RELU: return nan_stays ? x : x > 0 ? x : 0;
    case TANH: return std::tanh(x);
    case CLIPPED_RELU: return nan_stays ? x : x > 0 ? std::min(x, static_cast<float>(c)) : 0;
    case ELU: return x > 0 || nan_stays ? x : static_cast<float>(c * std::expm1(double{x}));
    default: return static_cast<float>(x * sigmoid(f.swish_beta * x));
  }
}

float gradient(const Activation& f, float x, float y, float dy) {
  double c = f.coefficient;
  switch (f.mode) {
    case SIGMOID: return dy * y * (1 - y);
    case RELU: return x > 0 ? dy : 0;
    case TANH: return dy * (1 - y * y);
    case CLIPPED_RELU: return x > 0 && x < static_cast<float>(c) ? dy : 0;
    case ELU: return x > 0 ? dy : static_cast<float>(dy * c * std::exp(double{x}));
    default: {
      double s = sigmoid(f.swish_beta * x);
      return static_cast<float>(dy * (s + f.swish_beta * x * s * (1 - s)));
    }
  }
}

const Activation& computable(const Activation* activation) {
  const Activation& f = given_set(activation, "the activation descriptor");
  if (f.mode == IDENTITY) fail(BAD_PARAM, "IDENTITY goes with cudnnConvolutionBiasActivationForward alone");
  return f;
}

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;
using gridstride::library::Range;

LIBRARY_CALL cudnnCreateActivationDescriptor(Activation** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyActivationDescriptor(Activation* activation) {
  CALL
  destroy_object(activation);
  END_CALL
}

LIBRARY_CALL cudnnSetActivationDescriptor(Activation* activation, int mode, int nan_propagation, double coefficient) {
  CALL
  Activation& f = given(activation, "the activation descriptor");
  if (mode < SIGMOID || mode > SWISH) fail(BAD_PARAM, "%d is no activation", mode);
  check_nan_propagation(nan_propagation);
  f.mode = mode;
  f.nan_propagation = nan_propagation;
  f.coefficient = coefficient;
  f.set = true;
  END_CALL
}

LIBRARY_CALL cudnnGetActivationDescriptor(Activation* activation, int* mode, int* nan_propagation, double* coefficient) {
  CALL
  const Activation& f = given(activation, "the activation descriptor");
  need_places(mode, nan_propagation, coefficient);
  *mode = f.mode;
  *nan_propagation = f.nan_propagation;
  *coefficient = f.coefficient;
  END_CALL
}

LIBRARY_CALL cudnnSetActivationDescriptorSwishBeta(Activation* activation, double beta) {
  CALL
  given(activation, "the activation descriptor").swish_beta = beta;
  END_CALL
}

LIBRARY_CALL cudnnGetActivationDescriptorSwishBeta(Activation* activation, double* out) {
  CALL
  need(out, "the place for beta");
  *out = given(activation, "the activation descriptor").swish_beta;
  END_CALL
}

LIBRARY_CALL cudnnActivationForward(Handle* handle, Activation* activation, const float* alpha, Tensor* x_descriptor,
                                    const void* x, const float* beta, Tensor* y_descriptor, void* y) {
  CALL
  Handle& h = handle_of(handle);
  Activation f = computable(activation);
  Shape xs = operand(x_descriptor, "x"), ys = operand(y_descriptor, "y");
  check_same(xs, "x", ys, "y");
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_replaced(ranges, xs, x, "x", ys, y, b, "y");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, xs.describe(), std::move(ranges), [=] {
    Order order = channels_last_order(xs);
    std::vector<float> values = load(xs, x, order);
    for (float& v : values) v = value(f, v);
    store(ys, y, order, values.data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnActivationBackward(Handle* handle, Activation* activation, const float* alpha, Tensor* y_descriptor,
                                     const void* y, Tensor* dy_descriptor, const void* dy, Tensor* x_descriptor,
                                     const void* x, const float* beta, Tensor* dx_descriptor, void* dx) {
  CALL
  Handle& h = handle_of(handle);
  Activation f = computable(activation);
  Shape ys = operand(y_descriptor, "y"), dys = operand(dy_descriptor, "dy"), xs = operand(x_descriptor, "x"),
        dxs = operand(dx_descriptor, "dx");
  check_same(xs, "x", ys, "y");
  check_same(xs, "x", dys, "dy");
  check_same(xs, "x", dxs, "dx");
  if (!dys.same_strides(ys)) fail(NOT_SUPPORTED, "the strides of dy and y differ");
  if (!dxs.same_strides(xs)) fail(NOT_SUPPORTED, "the strides of dx and x differ");
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, ys, y, Access::READ, "y");
  add_ranges(ranges, xs, x, Access::READ, "x");
  add_replaced(ranges, dys, dy, "dy", dxs, dx, b, "dx");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, xs.describe(), std::move(ranges), [=] {
    Order order = channels_last_order(xs);
    std::vector<float> values = load(xs, x, order), out = load(ys, y, order), g = load(dys, dy, order);
    for (size_t i = 0; i < g.size(); i++) g[i] = gradient(f, values[i], out[i], g[i]);
    store(dxs, dx, order, g.data(), a, b);
  });
  END_CALL
}
