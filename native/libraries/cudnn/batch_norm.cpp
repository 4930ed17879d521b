// Batch normalisation: over each channel (spatial), or over each place of each channel (per activation). Sums are float64.
#include <cmath>

#include "tensor.h"

namespace gridstride::cudnn {

namespace {

// The tensor as rows of `channels` neighbours: numbers of one column are normalised together.
struct Columns {
  Shape x, parameters;
  Order order;
  size_t channels, rows;

  std::vector<float> load_parameters(const void* at) const {
    return load(parameters, at, channels_last_order(parameters));
  }
  void store_parameters(void* at, const std::vector<float>& values, float alpha, float beta) const {
    store(parameters, at, channels_last_order(parameters), values.data(), alpha, beta);
  }
};

Columns columns_of(int mode, const Tensor* x, const char* x_name, const Tensor* parameters) {
  if (mode < PER_ACTIVATION || mode > SPATIAL_PERSISTENT) fail(BAD_PARAM, "%d is no mode of batch normalisation", mode);
  Columns c{operand(x, x_name), operand(parameters, "the parameters' descriptor"), {}, 0, 0};
  Shape wanted = c.x;
  wanted.type = FLOAT;
  wanted.dim[0] = 1;
  for (int i = 2; i < wanted.rank && mode != PER_ACTIVATION; i++) wanted.dim[i] = 1;
  if (!c.parameters.same_dims(wanted) || c.parameters.type != FLOAT) {
    fail(BAD_PARAM, "the parameters are %s, %s expected, as cudnnDeriveBNTensorDescriptor makes of %s %s",
         c.parameters.describe().c_str(), wanted.describe().c_str(), x_name, c.x.describe().c_str());
  }
  c.order = channels_last_order(c.x);
  c.channels = static_cast<size_t>(c.parameters.count());
  c.rows = static_cast<size_t>(c.x.count()) / c.channels;
  return c;
}

// Another tensor of x's type and extents.
const Shape& like(const Columns& c, const Tensor* tensor, const char* name) {
  const Shape& s = operand(tensor, name);
  check_same(c.x, "x", s, name);
  return s;
}

void check_epsilon(double epsilon) {
  if (!(epsilon >= 0)) fail(BAD_PARAM, "epsilon is %g, at least 0 expected", epsilon);
}

void check_pair(const void* a, const char* a_name, const void* b, const char* b_name) {
  if ((a == nullptr) != (b == nullptr)) {
    fail(BAD_PARAM, "%s without %s: both or none expected", a != nullptr ? a_name : b_name, a != nullptr ? b_name : a_name);
  }
}

struct Statistics {
  std::vector<double> mean, variance;  // of all, biased
};

Statistics statistics(const Columns& c, const std::vector<float>& x) {
  Statistics s{std::vector<double>(c.channels), std::vector<double>(c.channels)};
  for (size_t i = 0; i < x.size(); i += c.channels) {
    for (size_t k = 0; k < c.channels; k++) s.mean[k] += x[i + k];
  }
  for (double& m : s.mean) m /= static_cast<double>(c.rows);
  for (size_t i = 0; i < x.size(); i += c.channels) {
    for (size_t k = 0; k < c.channels; k++) {
      double d = x[i + k] - s.mean[k];
      s.variance[k] += d * d;
    }
  }
  for (double& v : s.variance) v /= static_cast<double>(c.rows);
  return s;
}

float inverse_deviation(double variance, double epsilon) {
  return static_cast<float>(1 / std::sqrt(variance + epsilon));
}

// x = (x - mean) * inverse * scale + bias
void normalise(const Columns& c, std::vector<float>& x, const std::vector<float>& mean,
               const std::vector<float>& inverse, const std::vector<float>& scale, const std::vector<float>& bias) {
  for (size_t i = 0; i < x.size(); i += c.channels) {
    for (size_t k = 0; k < c.channels; k++) x[i + k] = (x[i + k] - mean[k]) * inverse[k] * scale[k] + bias[k];
  }
}

// running = (1 - factor) * running + factor * value
void move(const Columns& c, void* running, std::vector<double> value, double factor) {
  std::vector<float> old = factor == 1 ? std::vector<float>(c.channels) : c.load_parameters(running);
  for (size_t k = 0; k < c.channels; k++) {
    old[k] = static_cast<float>(factor == 1 ? value[k] : (1 - factor) * old[k] + factor * value[k]);
  }
  c.store_parameters(running, old, 1, 0);
}

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;
using gridstride::library::Range;

LIBRARY_CALL cudnnDeriveBNTensorDescriptor(Tensor* out, Tensor* x, int mode) {
  CALL
  Tensor& derived = given(out, "the derived descriptor");
  if (mode < PER_ACTIVATION || mode > SPATIAL_PERSISTENT) fail(BAD_PARAM, "%d is no mode of batch normalisation", mode);
  Shape shape = given_set(x, "x").shape;
  shape.type = shape.type == DOUBLE ? DOUBLE : FLOAT;
  shape.dim[0] = 1;
  for (int i = 2; i < shape.rank && mode != PER_ACTIVATION; i++) shape.dim[i] = 1;
  pack(shape, NCHW);
  derived.shape = shape;
  derived.set = true;
  END_CALL
}

LIBRARY_CALL cudnnBatchNormalizationForwardTraining(Handle* handle, int mode, const float* alpha, const float* beta,
                                                    Tensor* x_descriptor, const void* x, Tensor* y_descriptor, void* y,
                                                    Tensor* parameters, const void* scale, const void* bias,
                                                    double average_factor, void* running_mean, void* running_variance,
                                                    double epsilon, void* save_mean, void* save_inverse) {
  CALL
  Handle& h = handle_of(handle);
  Columns c = columns_of(mode, x_descriptor, "x", parameters);
  Shape ys = like(c, y_descriptor, "y");
  check_epsilon(epsilon);
  check_pair(running_mean, "the running mean", running_variance, "the running variance");
  check_pair(save_mean, "the saved mean", save_inverse, "the saved inverse deviation");
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, c.x, x, Access::READ, "x");
  add_ranges(ranges, ys, y, output(b), "y");
  add_ranges(ranges, c.parameters, scale, Access::READ, "the scale");
  add_ranges(ranges, c.parameters, bias, Access::READ, "the bias");
  if (running_mean != nullptr) {
    Access access = average_factor == 1 ? Access::WRITE : Access::UPDATE;
    add_ranges(ranges, c.parameters, running_mean, access, "the running mean");
    add_ranges(ranges, c.parameters, running_variance, access, "the running variance");
  }
  if (save_mean != nullptr) {
    add_ranges(ranges, c.parameters, save_mean, Access::WRITE, "the saved mean");
    add_ranges(ranges, c.parameters, save_inverse, Access::WRITE, "the saved inverse deviation");
  }
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, c.x.describe(), std::move(ranges), [=] {
    std::vector<float> values = load(c.x, x, c.order), inverse(c.channels);
    Statistics s = statistics(c, values);
    for (size_t k = 0; k < c.channels; k++) inverse[k] = inverse_deviation(s.variance[k], epsilon);
    std::vector<float> mean = floats(s.mean);
    normalise(c, values, mean, inverse, c.load_parameters(scale), c.load_parameters(bias));
    store(ys, y, c.order, values.data(), a, b);
    if (save_mean != nullptr) {
      c.store_parameters(save_mean, mean, 1, 0);
      c.store_parameters(save_inverse, inverse, 1, 0);
    }
    if (running_mean == nullptr) return;
    double n = static_cast<double>(c.rows);
    for (double& v : s.variance) v *= n > 1 ? n / (n - 1) : 1;  // unbiased
    move(c, running_mean, s.mean, average_factor);
    move(c, running_variance, s.variance, average_factor);
  });
  END_CALL
}

LIBRARY_CALL cudnnBatchNormalizationForwardInference(Handle* handle, int mode, const float* alpha, const float* beta,
                                                     Tensor* x_descriptor, const void* x, Tensor* y_descriptor, void* y,
                                                     Tensor* parameters, const void* scale, const void* bias,
                                                     const void* mean, const void* variance, double epsilon) {
  CALL
  Handle& h = handle_of(handle);
  Columns c = columns_of(mode, x_descriptor, "x", parameters);
  Shape ys = like(c, y_descriptor, "y");
  check_epsilon(epsilon);
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, c.parameters, scale, Access::READ, "the scale");
  add_ranges(ranges, c.parameters, bias, Access::READ, "the bias");
  add_ranges(ranges, c.parameters, mean, Access::READ, "the mean");
  add_ranges(ranges, c.parameters, variance, Access::READ, "the variance");
  add_replaced(ranges, c.x, x, "x", ys, y, b, "y");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, c.x.describe(), std::move(ranges), [=] {
    std::vector<float> values = load(c.x, x, c.order), inverse = c.load_parameters(variance);
    for (float& v : inverse) v = inverse_deviation(v, epsilon);
    normalise(c, values, c.load_parameters(mean), inverse, c.load_parameters(scale), c.load_parameters(bias));
    store(ys, y, c.order, values.data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnBatchNormalizationBackward(Handle* handle, int mode, const float* alpha_data, const float* beta_data,
                                             const float* alpha_parameters, const float* beta_parameters,
                                             Tensor* x_descriptor, const void* x, Tensor* dy_descriptor, const void* dy,
                                             Tensor* dx_descriptor, void* dx, Tensor* parameters, const void* scale,
                                             void* dscale, void* dbias, double epsilon, const void* saved_mean,
                                             const void* saved_inverse) {
  CALL
  Handle& h = handle_of(handle);
  Columns c = columns_of(mode, x_descriptor, "x", parameters);
  Shape dys = like(c, dy_descriptor, "dy"), dxs = like(c, dx_descriptor, "dx");
  check_epsilon(epsilon);
  check_pair(saved_mean, "the saved mean", saved_inverse, "the saved inverse deviation");
  float a = factor(alpha_data, "alpha of the data"), b = factor(beta_data, "beta of the data"),
        pa = factor(alpha_parameters, "alpha of the parameters"), pb = factor(beta_parameters, "beta of the parameters");
  std::vector<Range> ranges;
  add_ranges(ranges, c.x, x, Access::READ, "x");
  add_replaced(ranges, dys, dy, "dy", dxs, dx, b, "dx");
  add_ranges(ranges, c.parameters, scale, Access::READ, "the scale");
  add_ranges(ranges, c.parameters, dscale, output(pb), "the scale's gradient");
  add_ranges(ranges, c.parameters, dbias, output(pb), "the bias' gradient");
  if (saved_mean != nullptr) {
    add_ranges(ranges, c.parameters, saved_mean, Access::READ, "the saved mean");
    add_ranges(ranges, c.parameters, saved_inverse, Access::READ, "the saved inverse deviation");
  }
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, c.x.describe(), std::move(ranges), [=] {
    std::vector<float> values = load(c.x, x, c.order), g = load(dys, dy, c.order), factors = c.load_parameters(scale),
                       mean, inverse;
    if (saved_mean != nullptr) {
      mean = c.load_parameters(saved_mean);
      inverse = c.load_parameters(saved_inverse);
    } else {
      Statistics s = statistics(c, values);
      mean = floats(s.mean);
      for (double v : s.variance) inverse.push_back(inverse_deviation(v, epsilon));
    }
    std::vector<double> sum(c.channels), product(c.channels);
    for (size_t i = 0; i < g.size(); i += c.channels) {
      for (size_t k = 0; k < c.channels; k++) {
        values[i + k] = (values[i + k] - mean[k]) * inverse[k];
        sum[k] += g[i + k];
        product[k] += double{g[i + k]} * values[i + k];
      }
    }
    double n = static_cast<double>(c.rows);
    for (size_t i = 0; i < g.size(); i += c.channels) {
      for (size_t k = 0; k < c.channels; k++) {
        double centred = g[i + k] - sum[k] / n - values[i + k] * product[k] / n;
        g[i + k] = static_cast<float>(double{factors[k]} * inverse[k] * centred);
      }
    }
    store(dxs, dx, c.order, g.data(), a, b);
    c.store_parameters(dscale, floats(product), pa, pb);
    c.store_parameters(dbias, floats(sum), pa, pb);
  });
  END_CALL
}
