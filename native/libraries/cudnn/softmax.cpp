// Softmax over the channels of each place, or over all of each image.
#include <algorithm>
#include <cmath>

#include "tensor.h"

namespace gridstride::cudnn {

namespace {

// The sums run over rows of `length` neighbours in that order.
struct Rows {
  Order order;
  size_t length;

  Rows(int mode, const Shape& shape) : order(channels_last_order(shape)) {
    length = static_cast<size_t>(mode == SOFTMAX_CHANNEL ? shape.dim[1] : shape.count() / shape.dim[0]);
  }
};

void softmax(int algorithm, float* row, size_t n) {
  float most = algorithm == SOFTMAX_FAST ? 0.0f : *std::max_element(row, row + n), sum = 0;
  for (size_t i = 0; i < n; i++) {
    float v = row[i] - most, e = std::exp(v);
    sum += e;
    row[i] = algorithm == SOFTMAX_LOG ? v : e;
  }
  float log = std::log(sum);
  for (size_t i = 0; i < n; i++) row[i] = algorithm == SOFTMAX_LOG ? row[i] - log : row[i] / sum;
}

// dx into dy's place.
void softmax_backward(int algorithm, const float* y, float* dy, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += algorithm == SOFTMAX_LOG ? dy[i] : dy[i] * y[i];
  for (size_t i = 0; i < n; i++) {
    dy[i] = algorithm == SOFTMAX_LOG ? dy[i] - std::exp(y[i]) * sum : (dy[i] - sum) * y[i];
  }
}

void check(int algorithm, int mode) {
  if (algorithm < SOFTMAX_FAST || algorithm > SOFTMAX_LOG) fail(BAD_PARAM, "%d is no softmax algorithm", algorithm);
  if (mode != SOFTMAX_INSTANCE && mode != SOFTMAX_CHANNEL) fail(BAD_PARAM, "%d is no softmax mode", mode);
}

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;
using gridstride::library::Range;

LIBRARY_CALL cudnnSoftmaxForward(Handle* handle, int algorithm, int mode, const float* alpha, Tensor* x_descriptor,
                                 const void* x, const float* beta, Tensor* y_descriptor, void* y) {
  CALL
  Handle& h = handle_of(handle);
  Shape xs = operand(x_descriptor, "x"), ys = operand(y_descriptor, "y");
  check(algorithm, mode);
  check_same(xs, "x", ys, "y");
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_replaced(ranges, xs, x, "x", ys, y, b, "y");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, xs.describe(), std::move(ranges), [=] {
    Rows rows(mode, xs);
    std::vector<float> values = load(xs, x, rows.order);
    for (size_t i = 0; i < values.size(); i += rows.length) softmax(algorithm, values.data() + i, rows.length);
    store(ys, y, rows.order, values.data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnSoftmaxBackward(Handle* handle, int algorithm, int mode, const float* alpha, Tensor* y_descriptor,
                                  const void* y, Tensor* dy_descriptor, const void* dy, const float* beta,
                                  Tensor* dx_descriptor, void* dx) {
  CALL
  Handle& h = handle_of(handle);
  Shape ys = operand(y_descriptor, "y"), dys = operand(dy_descriptor, "dy"), dxs = operand(dx_descriptor, "dx");
  check(algorithm, mode);
  check_same(ys, "y", dys, "dy");
  check_same(ys, "y", dxs, "dx");
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, ys, y, Access::READ, "y");
  add_replaced(ranges, dys, dy, "dy", dxs, dx, b, "dx");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, ys.describe(), std::move(ranges), [=] {
    Rows rows(mode, ys);
    std::vector<float> out = load(ys, y, rows.order), values = load(dys, dy, rows.order);
    for (size_t i = 0; i < values.size(); i += rows.length) {
      softmax_backward(algorithm, out.data() + i, values.data() + i, rows.length);
    }
    store(dxs, dx, rows.order, values.data(), a, b);
  });
  END_CALL
}
