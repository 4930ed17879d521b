// Pooling, softmax, activations, batch normalisation, dropout and tensor operations of libcudnn against their definitions.
#include "cudnn.h"

namespace {

std::vector<float> waves(size_t n, float step) {
  std::vector<float> out;
  for (size_t i = 0; i < n; i++) out.push_back(2 * std::sin(step * static_cast<float>(i)));
  return out;
}

std::vector<double> doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// Calls body(index in x, index in y) for each place of each window, in row-major order.
struct Window {
  int size_h, size_w, pad_h, pad_w, stride_h, stride_w;
  Dims out(const Dims& x) const {
    return {x.n, x.c, (x.h + 2 * pad_h - size_h) / stride_h + 1, (x.w + 2 * pad_w - size_w) / stride_w + 1};
  }
  template <class Body>
  void each(const Dims& x, Body&& body) const {
    Dims y = out(x);
    for (int n = 0; n < y.n; n++) {
      for (int c = 0; c < y.c; c++) {
        for (int p = 0; p < y.h; p++) {
          for (int q = 0; q < y.w; q++) {
            std::vector<size_t> places;
            for (int i = 0; i < size_h; i++) {
              for (int j = 0; j < size_w; j++) {
                int h = p * stride_h - pad_h + i, w = q * stride_w - pad_w + j;
                if (h >= 0 && h < x.h && w >= 0 && w < x.w) places.push_back(place(x, NCHW, n, c, h, w));
              }
            }
            body(places, place(y, NCHW, n, c, p, q));
          }
        }
      }
    }
  }
};

enum : int { MAX = 0, AVERAGE_INCLUDE = 1, AVERAGE_EXCLUDE = 2, MAX_DETERMINISTIC = 3 };

void pooling(int mode, int format, const Dims& d, const Window& window) {
  Device device;
  Dims out = window.out(d);
  void *p = device.make(cudnnCreatePoolingDescriptor, cudnnDestroyPoolingDescriptor), *x = device.tensor(d, format),
       *y = device.tensor(out, format);
  CHECK_OK(cudnnSetPooling2dDescriptor(p, mode, 1, window.size_h, window.size_w, window.pad_h, window.pad_w,
                                       window.stride_h, window.stride_w));
  std::vector<float> xs = integers(d.count(), 5), gradients = integers(out.count(), 6), old = integers(out.count(), 7),
                     old_dx = integers(d.count(), 8);
  std::vector<double> ys(out.count()), dxs(d.count());
  float alpha = 2, beta = -1;
  window.each(d, [&](const std::vector<size_t>& places, size_t at) {
    double all = mode == AVERAGE_INCLUDE ? window.size_h * window.size_w : static_cast<double>(places.size());
    size_t best = places[0];
    double sum = 0;
    for (size_t i : places) {
      if (xs[i] > xs[best]) best = i;
      sum += xs[i];
    }
    bool largest = mode == MAX || mode == MAX_DETERMINISTIC;
    ys[at] = 2 * (largest ? xs[best] : sum / all) - old[at];
    for (size_t i : places) dxs[i] += largest ? (i == best ? 2 * gradients[at] : 0) : 2 * gradients[at] / all;
  });
  for (size_t i = 0; i < dxs.size(); i++) dxs[i] -= old_dx[i];
  void *at = device.put(xs, d, format), *result = device.put(old, out, format), *dy = device.put(gradients, out, format),
       *dx = device.put(old_dx, d, format);
  CHECK_OK(cudnnPoolingForward(device.handle, p, &alpha, x, at, &beta, y, result));
  CHECK_NEAR(device.get(result, out, format), ys, 1e-5);
  CHECK_OK(cudnnPoolingForward(device.handle, p, &ONE, x, at, &ZERO, y, result));
  bool average = mode == AVERAGE_INCLUDE || mode == AVERAGE_EXCLUDE;  // which does not look at x and y
  CHECK_OK(gridstride_sim_set("checked", "1"));
  void *unset_x = device.bytes(d.count() * 4), *unset_y = device.bytes(out.count() * 4);
  CHECK_OK(cudnnPoolingBackward(device.handle, p, &alpha, y, average ? unset_y : result, y, dy, x, average ? unset_x : at,
                                &beta, x, dx));
  CHECK_NEAR(device.get(dx, d, format), dxs, 1e-5);
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

}  // namespace

TEST(pools) {
  for (int mode : {MAX, AVERAGE_INCLUDE, AVERAGE_EXCLUDE, MAX_DETERMINISTIC}) {
    for (int format : {NCHW, NHWC}) {
      pooling(mode, format, {2, 3, 6, 8}, {2, 2, 0, 0, 2, 2});
      pooling(mode, format, {2, 5, 7, 5}, {3, 2, 1, 1, 2, 1});  // overlapping, padded
      pooling(mode, format, {1, 4, 7, 7}, {7, 7, 0, 0, 1, 1});  // all of it
    }
  }
}

TEST(pools_nan) {
  Device device;
  void *p = device.make(cudnnCreatePoolingDescriptor, cudnnDestroyPoolingDescriptor), *x = device.tensor({1, 1, 1, 4}),
       *y = device.tensor({1, 1, 1, 2}), *at = device.put(std::vector<float>{NAN, 1, 2, 3}), *out = device.bytes(8);
  for (int propagate : {0, 1}) {
    CHECK_OK(cudnnSetPooling2dDescriptor(p, MAX, propagate, 1, 2, 0, 0, 1, 2));
    CHECK_OK(cudnnPoolingForward(device.handle, p, &ONE, x, at, &ZERO, y, out));
    std::vector<float> got = device.get(out, 2);
    CHECK(propagate != 0 ? std::isnan(got[0]) : got[0] == 1);
    CHECK(got[1] == 3);
  }
  CHECK_CODE(cudnnPoolingForward(device.handle, p, &ONE, x, at, &ZERO, x, out), BAD_PARAM);
  CHECK_SAYS("y is float32 [1, 1, 1, 4], [1, 1, 1, 2] expected");
}

TEST(softmax) {
  Dims d{3, 5, 2, 3};
  enum : int { FAST = 0, ACCURATE = 1, LOG = 2, INSTANCE = 0, CHANNEL = 1 };
  std::vector<float> xs = waves(d.count(), 1.3f), gradients = waves(d.count(), 0.7f);
  for (int format : {NCHW, NHWC}) {
    for (int algorithm : {FAST, ACCURATE, LOG}) {
      for (int mode : {INSTANCE, CHANNEL}) {
        Device device;
        // The row that an element belongs to.
        auto row = [&](size_t i) { return mode == INSTANCE ? i / 30 : i / 30 * 6 + i % 6; };
        std::vector<double> sums(18), ys, products(18), dxs;
        for (size_t i = 0; i < xs.size(); i++) sums[row(i)] += std::exp(double{xs[i]});
        for (size_t i = 0; i < xs.size(); i++) {
          ys.push_back(algorithm == LOG ? xs[i] - std::log(sums[row(i)]) : std::exp(double{xs[i]}) / sums[row(i)]);
          products[row(i)] += algorithm == LOG ? gradients[i] : gradients[i] * ys[i];
        }
        for (size_t i = 0; i < xs.size(); i++) {
          dxs.push_back(algorithm == LOG ? gradients[i] - std::exp(ys[i]) * products[row(i)]
                                         : ys[i] * (gradients[i] - products[row(i)]));
        }
        void *t = device.tensor(d, format), *x = device.put(xs, d, format), *y = device.bytes(d.count() * 4),
             *dy = device.put(gradients, d, format), *dx = device.bytes(d.count() * 4);
        CHECK_OK(cudnnSoftmaxForward(device.handle, algorithm, mode, &ONE, t, x, &ZERO, t, y));
        CHECK_NEAR(device.get(y, d, format), ys, 1e-6);
        CHECK_OK(cudnnSoftmaxBackward(device.handle, algorithm, mode, &ONE, t, y, t, dy, &ZERO, t, dx));
        CHECK_NEAR(device.get(dx, d, format), dxs, 2e-6);
        CHECK_OK(cudnnSoftmaxForward(device.handle, algorithm, mode, &ONE, t, x, &ZERO, t, x));  // in place
        CHECK_NEAR(device.get(x, d, format), ys, 1e-6);
      }
    }
  }
  Device device;
  void *t = device.tensor({1, 2, 1, 1}), *x = device.put(std::vector<float>{1000, 1001}), *y = device.bytes(8);
  CHECK_OK(cudnnSoftmaxForward(device.handle, FAST, CHANNEL, &ONE, t, x, &ZERO, t, y));
  CHECK(std::isnan(device.get(y, 2)[1]));  // overflows, which ACCURATE does not
  CHECK_OK(cudnnSoftmaxForward(device.handle, ACCURATE, CHANNEL, &ONE, t, x, &ZERO, t, y));
  CHECK_NEAR(device.get(y, 2), (std::vector<double>{1 / (1 + std::exp(1.0)), 1 / (1 + std::exp(-1.0))}), 1e-6);
}

// Each activation's gradient is that of its finite difference.
TEST(activations) {
  Dims d{1, 4, 3, 5};
  std::vector<float> xs = waves(d.count(), 0.9f);
  for (float& x : xs) x += 0.05f;  // none at a kink
  std::vector<double (*)(double)> functions = {
      [](double x) { return 1 / (1 + std::exp(-x)); },         [](double x) { return std::max(x, 0.0); },
      [](double x) { return std::tanh(x); },                   [](double x) { return std::min(std::max(x, 0.0), 1.5); },
      [](double x) { return x > 0 ? x : 1.5 * std::expm1(x); }, nullptr,
      [](double x) { return x / (1 + std::exp(-x)); }};
  for (int mode = 0; mode < 7; mode++) {
    Device device;
    void *f = device.make(cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor), *t = device.tensor(d, NHWC),
         *x = device.put(xs, d, NHWC), *y = device.bytes(d.count() * 4), *dx = device.bytes(d.count() * 4);
    CHECK_OK(cudnnSetActivationDescriptor(f, mode, 0, 1.5));
    if (functions[static_cast<size_t>(mode)] == nullptr) {
      CHECK_CODE(cudnnActivationForward(device.handle, f, &ONE, t, x, &ZERO, t, y), BAD_PARAM);
      continue;
    }
    std::vector<double> ys, slopes;
    for (double v : xs) {
      auto* function = functions[static_cast<size_t>(mode)];
      ys.push_back(function(v));
      slopes.push_back(3 * (function(v + 1e-6) - function(v - 1e-6)) / 2e-6);
    }
    CHECK_OK(cudnnActivationForward(device.handle, f, &ONE, t, x, &ZERO, t, y));
    CHECK_NEAR(device.get(y, d, NHWC), ys, 1e-6);
    void* dy = device.put(std::vector<float>(d.count(), 3));
    CHECK_OK(cudnnActivationBackward(device.handle, f, &ONE, t, y, t, dy, t, x, &ZERO, t, dx));
    CHECK_NEAR(device.get(dx, d, NHWC), slopes, 1e-5);
    CHECK_OK(cudnnActivationForward(device.handle, f, &ONE, t, x, &ZERO, t, x));  // in place
    CHECK_NEAR(device.get(x, d, NHWC), ys, 1e-6);
  }
  Device device;
  void *f = device.make(cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor),
       *t = device.tensor({1, 1, 1, 1}), *x = device.put(std::vector<float>{NAN}), *y = device.bytes(4);
  for (int propagate : {0, 1}) {
    CHECK_OK(cudnnSetActivationDescriptor(f, 1, propagate, 0));
    CHECK_OK(cudnnActivationForward(device.handle, f, &ONE, t, x, &ZERO, t, y));
    CHECK(propagate != 0 ? std::isnan(device.get(y, 1)[0]) : device.get(y, 1)[0] == 0);
  }
}

// Forward from the definition; backward against finite differences of sum(dy * y) in float64.
TEST(batch_normalisation) {
  Dims d{4, 3, 2, 3};
  const double epsilon = 0.1;
  std::vector<float> xs = waves(d.count(), 1.1f), gradients = waves(d.count(), 0.37f);
  for (int mode : {0, 1, 2}) {  // per activation, spatial, persistent
    Dims p{1, 3, mode == 0 ? 2 : 1, mode == 0 ? 3 : 1};
    auto column = [&](size_t i) { return mode == 0 ? i % 18 : i % 18 / 6; };
    size_t columns = p.count(), rows = d.count() / columns;
    std::vector<float> scale, bias, old(columns, 5);
    for (size_t k = 0; k < columns; k++) {
      scale.push_back(0.5f + 0.25f * static_cast<float>(k));
      bias.push_back(1 - 0.5f * static_cast<float>(k));
    }
    auto moments = [&](const std::vector<double>& x) {
      std::vector<double> mean(columns), variance(columns);
      for (size_t i = 0; i < x.size(); i++) mean[column(i)] += x[i] / static_cast<double>(rows);
      for (size_t i = 0; i < x.size(); i++) {
        variance[column(i)] += std::pow(x[i] - mean[column(i)], 2) / static_cast<double>(rows);
      }
      return std::pair(mean, variance);
    };
    auto normalised = [&](const std::vector<double>& x, const std::vector<double>& mean, const std::vector<double>& variance) {
      std::vector<double> y;
      for (size_t i = 0; i < x.size(); i++) {
        size_t k = column(i);
        y.push_back(scale[k] * (x[i] - mean[k]) / std::sqrt(variance[k] + epsilon) + bias[k]);
      }
      return y;
    };
    auto [mean, variance] = moments(doubles(xs));
    for (int format : {NCHW, NHWC}) {
      Device device;
      void *x = device.tensor(d, format), *parameters = device.make(cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor),
           *at = device.put(xs, d, format), *y = device.bytes(d.count() * 4), *s = device.put(scale), *b = device.put(bias),
           *running_mean = device.put(old), *running_variance = device.put(old), *saved = device.bytes(columns * 4),
           *inverse = device.bytes(columns * 4), *dy = device.put(gradients, d, format), *dx = device.bytes(d.count() * 4),
           *ds = device.bytes(columns * 4), *db = device.bytes(columns * 4);
      CHECK_OK(cudnnDeriveBNTensorDescriptor(parameters, x, mode));
      CHECK_OK(cudnnBatchNormalizationForwardTraining(device.handle, mode, &ONE, &ZERO, x, at, x, y, parameters, s, b, 0.25,
                                                      running_mean, running_variance, epsilon, saved, inverse));
      std::vector<double> ys = normalised(doubles(xs), mean, variance), means, variances, inverses;
      for (size_t k = 0; k < columns; k++) {
        double n = static_cast<double>(rows);
        means.push_back(0.75 * 5 + 0.25 * mean[k]);
        variances.push_back(0.75 * 5 + 0.25 * variance[k] * n / (n - 1));
        inverses.push_back(1 / std::sqrt(variance[k] + epsilon));
      }
      CHECK_NEAR(device.get(y, d, format), ys, 1e-5);
      CHECK_NEAR(device.get(running_mean, columns), means, 1e-6);
      CHECK_NEAR(device.get(running_variance, columns), variances, 1e-6);
      CHECK_NEAR(device.get(saved, columns), mean, 1e-6);
      CHECK_NEAR(device.get(inverse, columns), inverses, 1e-6);

      std::vector<double> slopes, scale_slopes(columns), bias_slopes(columns);
      for (size_t i = 0; i < xs.size(); i++) {
        double loss[2];
        for (int side : {0, 1}) {
          std::vector<double> moved = doubles(xs);
          moved[i] += side == 0 ? 1e-5 : -1e-5;
          auto [m, v] = moments(moved);
          std::vector<double> result = normalised(moved, m, v);
          loss[side] = 0;
          for (size_t j = 0; j < result.size(); j++) loss[side] += gradients[j] * result[j];
        }
        slopes.push_back((loss[0] - loss[1]) / 2e-5);
        scale_slopes[column(i)] += gradients[i] * (xs[i] - mean[column(i)]) * inverses[column(i)];
        bias_slopes[column(i)] += gradients[i];
      }
      for (bool keep : {true, false}) {
        CHECK_OK(cudnnBatchNormalizationBackward(device.handle, mode, &ONE, &ZERO, &ONE, &ZERO, x, at, x, dy, x, dx,
                                                 parameters, s, ds, db, epsilon, keep ? saved : nullptr,
                                                 keep ? inverse : nullptr));
        CHECK_NEAR(device.get(dx, d, format), slopes, 1e-5);
        CHECK_NEAR(device.get(ds, columns), scale_slopes, 1e-5);
        CHECK_NEAR(device.get(db, columns), bias_slopes, 1e-5);
      }
      CHECK_OK(cudnnBatchNormalizationForwardInference(device.handle, mode, &ONE, &ZERO, x, at, x, y, parameters, s, b,
                                                       running_mean, running_variance, epsilon));
      CHECK_NEAR(device.get(y, d, format), normalised(doubles(xs), means, variances), 1e-5);

      auto train = [&](double e, void* mean_at, void* save_at) {
        return cudnnBatchNormalizationForwardTraining(device.handle, mode, &ONE, &ZERO, x, at, x, y, parameters, s, b, 0.25,
                                                      mean_at, running_variance, e, save_at, inverse);
      };
      CHECK_CODE(train(-1, running_mean, saved), BAD_PARAM);
      CHECK_CODE(train(epsilon, nullptr, saved), BAD_PARAM);
      CHECK_SAYS("the running variance without the running mean: both or none expected");
      CHECK_CODE(train(epsilon, running_mean, nullptr), BAD_PARAM);
    }
  }
}

// Only the operand that is replaced may lie where the result does.
TEST(in_place) {
  CHECK_OK(gridstride_sim_set("checked", "1"));
  Device device;
  Dims d{2, 3, 2, 2}, one{1, 3, 1, 1};
  std::vector<float> xs = waves(d.count(), 0.9f);
  void *f = device.make(cudnnCreateActivationDescriptor, cudnnDestroyActivationDescriptor), *t = device.tensor(d),
       *last = device.tensor(d, NHWC), *p = device.tensor(one), *x = device.put(xs), *y = device.put(xs),
       *g = device.put(xs), *scale = device.put(std::vector<float>(3, 1)), *unset = device.bytes(d.count() * 4);
  auto inside = [&](void* base) { return static_cast<char*>(base) + 16; };
  CHECK_OK(cudnnSetActivationDescriptor(f, 1, 0, 0));
  CHECK_OK(cudnnActivationBackward(device.handle, f, &ONE, t, y, t, g, t, x, &ZERO, t, g));
  std::vector<float> dx = device.get(g, d.count());
  for (size_t i = 0; i < dx.size(); i++) CHECK(dx[i] == (xs[i] > 0 ? xs[i] : 0));
  CHECK_CODE(cudnnActivationBackward(device.handle, f, &ONE, t, g, t, g, t, x, &ZERO, t, g), BAD_PARAM);
  CHECK_SAYS("y and dx share memory");
  CHECK_CODE(cudnnActivationForward(device.handle, f, &ONE, t, x, &ZERO, last, x), BAD_PARAM);
  CHECK_SAYS("x and y share memory");
  CHECK_CODE(cudnnSoftmaxBackward(device.handle, 1, 1, &ONE, t, g, t, g, &ZERO, t, g), BAD_PARAM);
  CHECK_SAYS("y and dx share memory");
  auto backward = [&](void* dscale) {
    return cudnnBatchNormalizationBackward(device.handle, 1, &ONE, &ZERO, &ONE, &ZERO, t, x, t, g, t, g, p, scale, dscale,
                                           device.bytes(12), 0.1, nullptr, nullptr);
  };
  CHECK_OK(backward(device.bytes(12)));
  CHECK_CODE(backward(inside(x)), BAD_PARAM);
  CHECK_SAYS("x and the scale's gradient share memory");
  CHECK_CODE(cudnnBatchNormalizationForwardInference(device.handle, 1, &ONE, &ZERO, t, x, t, x, p, inside(x), scale, scale,
                                                     scale, 0.1),
             BAD_PARAM);
  CHECK_SAYS("the scale and y share memory");
  CHECK_OK(cuCtxSynchronize());
  CHECK_OK(cudnnActivationForward(device.handle, f, &ONE, t, unset, &ZERO, t, unset));  // what is replaced is read
  CHECK_CODE(cuCtxSynchronize(), 719);
  CHECK_SAYS("reads memory that nothing has written, in y");
  CHECK_OK(gridstride_sim_set("checked", "0"));
}

TEST(dropout) {
  Device device;
  Dims d{4, 8, 16, 16};
  void *descriptor = device.make(cudnnCreateDropoutDescriptor, cudnnDestroyDropoutDescriptor), *t = device.tensor(d);
  size_t states = 0, reserve = 0;
  CHECK_OK(cudnnDropoutGetStatesSize(device.handle, &states));
  CHECK_OK(cudnnDropoutGetReserveSpaceSize(t, &reserve));
  CHECK(states > 0 && reserve == d.count() / 8);
  void *state = device.bytes(states), *kept = device.bytes(reserve), *x = device.put(std::vector<float>(d.count(), 3)),
       *y = device.bytes(d.count() * 4), *dx = device.bytes(d.count() * 4);
  CHECK_CODE(cudnnSetDropoutDescriptor(descriptor, device.handle, 0.25f, state, states - 1, 7), 2001);
  CHECK_OK(cudnnSetDropoutDescriptor(descriptor, device.handle, 0.25f, state, states, 7));
  std::vector<std::vector<float>> results;
  for (int i = 0; i < 2; i++) {
    CHECK_OK(cudnnDropoutForward(device.handle, descriptor, t, x, t, y, kept, reserve));
    results.push_back(device.get(y, d.count()));
    long zeros = std::count(results[0].begin(), results[0].end(), 0.0f), fours = std::count(results[0].begin(), results[0].end(), 4.0f);
    CHECK(zeros + fours == static_cast<long>(d.count()));
    CHECK(std::abs(static_cast<double>(zeros) / static_cast<double>(d.count()) - 0.25) < 0.02);
    // The gradient goes where the value went.
    CHECK_OK(cudnnDropoutBackward(device.handle, descriptor, t, x, t, dx, kept, reserve));
    CHECK(device.get(dx, d.count()) == results.back());
  }
  CHECK(results[0] != results[1]);  // the generator moves on
  CHECK_OK(cudnnSetDropoutDescriptor(descriptor, device.handle, 0.25f, state, states, 7));
  CHECK_OK(cudnnDropoutForward(device.handle, descriptor, t, x, t, y, kept, reserve));
  CHECK(device.get(y, d.count()) == results[0]);
  CHECK_CODE(cudnnDropoutForward(device.handle, descriptor, t, x, t, y, kept, reserve - 1), BAD_PARAM);
  CHECK_OK(cudnnSetDropoutDescriptor(descriptor, device.handle, 0, nullptr, 0, 0));  // nothing is dropped
  CHECK_OK(cudnnDropoutForward(device.handle, descriptor, t, x, t, y, kept, reserve));
  CHECK(device.get(y, d.count()) == std::vector<float>(d.count(), 3));
}

TEST(tensor_operations) {
  Device device;
  Dims d{2, 3, 2, 2};
  std::vector<float> as = integers(d.count(), 1), bs = {2, -1, 3}, cs = integers(d.count(), 2);
  void *t = device.tensor(d), *last = device.tensor(d, NHWC), *row = device.tensor({1, 3, 1, 1}), *a = device.put(as),
       *b = device.put(bs), *op = device.make(cudnnCreateOpTensorDescriptor, cudnnDestroyOpTensorDescriptor);
  auto channel = [](size_t i) { return i / 4 % 3; };
  float alpha = 2, beta = 3;
  void* c = device.put(cs);
  CHECK_OK(cudnnAddTensor(device.handle, &alpha, row, b, &beta, t, c));
  std::vector<double> wanted;
  for (size_t i = 0; i < cs.size(); i++) wanted.push_back(2 * bs[channel(i)] + 3 * cs[i]);
  CHECK_NEAR(device.get(c, d.count()), wanted, 0);
  for (int which = 0; which < 6; which++) {
    CHECK_OK(cudnnSetOpTensorDescriptor(op, which, FLOAT, 0));
    c = device.put(cs);
    CHECK_OK(cudnnOpTensor(device.handle, op, &alpha, t, a, &alpha, row, b, &ONE, t, c));
    for (size_t i = 0; i < cs.size(); i++) {
      double x = 2 * as[i], y = 2 * bs[channel(i)];
      double results[] = {x + y, x * y, std::min(x, y), std::max(x, y), std::sqrt(x), 1 - x};
      wanted[i] = results[which] + cs[i];
    }
    if (which != 4) CHECK_NEAR(device.get(c, d.count()), wanted, 0);
  }
  // To another layout and back.
  void *moved = device.bytes(d.count() * 4), *back = device.bytes(d.count() * 4);
  CHECK_OK(cudnnTransformTensor(device.handle, &ONE, t, a, &ZERO, last, moved));
  CHECK(device.get(moved, d, NHWC) == as && device.get(moved, d.count()) != as);
  CHECK_OK(cudnnTransformTensor(device.handle, &ONE, last, moved, &ZERO, t, back));
  CHECK(device.get(back, d.count()) == as);
  float value = 7;
  CHECK_OK(cudnnSetTensor(device.handle, t, back, &value));
  CHECK_OK(cudnnScaleTensor(device.handle, t, back, &alpha));
  CHECK(device.get(back, d.count()) == std::vector<float>(d.count(), 14));
  CHECK_CODE(cudnnAddTensor(device.handle, &ONE, device.tensor({1, 2, 1, 1}), b, &ZERO, t, c), BAD_PARAM);
  CHECK_SAYS("A is float32 [1, 2, 1, 1], which does not stretch to float32 [2, 3, 2, 2]");
}

TEST(reductions) {
  Device device;
  Dims d{2, 3, 2, 4};
  std::vector<float> as = waves(d.count(), 1.7f);
  void *r = device.make(cudnnCreateReduceTensorDescriptor, cudnnDestroyReduceTensorDescriptor), *t = device.tensor(d, NHWC),
       *small = device.tensor({1, 3, 1, 1}), *a = device.put(as, d, NHWC), *c = device.bytes(12);
  size_t bytes = 0;
  for (int op = 0; op < 9; op++) {
    CHECK_OK(cudnnSetReduceTensorDescriptor(r, op, FLOAT, 0, 0, 0));
    CHECK_OK(cudnnGetReductionWorkspaceSize(device.handle, r, t, small, &bytes));
    void* workspace = device.bytes(bytes);
    CHECK_OK(cudnnReduceTensor(device.handle, r, nullptr, 0, workspace, bytes, &ONE, t, a, &ZERO, small, c));
    std::vector<double> wanted;
    for (size_t k = 0; k < 3; k++) {
      double sum = 0, product = 1, least = INFINITY, most = -INFINITY, largest = 0, norm = 0, squares = 0;
      for (size_t i = 0; i < as.size(); i++) {
        double v = as[i];
        if (i / 8 % 3 != k) continue;
        sum += v, product *= v, least = std::min(least, v), most = std::max(most, v);
        largest = std::max(largest, std::abs(v)), norm += std::abs(v), squares += v * v;
      }
      bool zero = product == 0;  // the first element of the first channel is 0
      double results[] = {sum, product, least, most, largest, sum / 16, norm, std::sqrt(squares), product};
      if (op == 8 && zero) {
        product = 1;
        for (size_t i = 0; i < as.size(); i++) product *= i / 8 % 3 == k && as[i] != 0 ? as[i] : 1;
        results[8] = product;
      }
      wanted.push_back(results[op]);
    }
    CHECK_NEAR(device.get(c, 3), wanted, 1e-5 * (1 + std::abs(wanted[2])));
    CHECK_CODE(cudnnReduceTensor(device.handle, r, nullptr, 0, workspace, bytes - 1, &ONE, t, a, &ZERO, small, c),
               SIZE_INSUFFICIENT);
  }
}

TEST_MAIN
