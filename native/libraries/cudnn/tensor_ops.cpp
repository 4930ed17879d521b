// Elementwise operations on tensors: sums with broadcasting, products, extremes, scaling, filling, copying to another layout.
#include <algorithm>
#include <cmath>

#include "half.h"
#include "tensor.h"

namespace gridstride::cudnn {

using library::Range;

namespace {

struct OpTensor {
  static constexpr const char *NAME = "tensor operation descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  int op = 0, type = 0, nan_propagation = 0;
};

// The tensor seen with the extents of another: those of 1 are repeated.
Shape broadcast(const Shape& shape, const Shape& to, const char* name) {
  Shape out = shape;
  for (int i = 0; i < to.rank; i++) {
    if (shape.rank != to.rank || (shape.dim[i] != 1 && shape.dim[i] != to.dim[i])) {
      fail(BAD_PARAM, "%s is %s, which does not stretch to %s", name, shape.describe().c_str(), to.describe().c_str());
    }
    if (shape.dim[i] == 1) out.stride[i] = 0;
    out.dim[i] = to.dim[i];
  }
  return out;
}

void check_type(const Shape& shape, const char* name, const Shape& other) {
  if (shape.type != other.type) fail(BAD_PARAM, "%s is %s, C %s", name, type_name(shape.type), type_name(other.type));
}

// In place is fine where the elements lie alike.
void refuse_partial_overlap(const Shape& a, const void* a_at, const Shape& c, const void* c_at) {
  std::vector<Range> ranges;
  if (a_at == c_at && a.same_strides(c)) return;
  add_ranges(ranges, a, a_at, library::Access::READ, "an input");
  add_ranges(ranges, c, c_at, library::Access::WRITE, "the output");
  refuse_overlap(ranges, BAD_PARAM);
}

float extreme(float a, float b, bool largest, bool propagate) {
  if (std::isnan(a) || std::isnan(b)) {
    if (propagate) return NAN;
    return std::isnan(a) ? b : a;
  }
  return largest ? std::max(a, b) : std::min(a, b);
}

float result(const OpTensor& op, float a, float b) {
  switch (op.op) {
    case OP_ADD: return a + b;
    case OP_MUL: return a * b;
    case OP_MIN: return extreme(a, b, false, op.nan_propagation != 0);
    case OP_MAX: return extreme(a, b, true, op.nan_propagation != 0);
    case OP_SQRT: return std::sqrt(a);
    default: return 1 - a;
  }
}

// A number of the tensor's type in the host's memory.
float host_value(int type, const void* at) {
  need(at, "the value");
  if (library::on_device(at)) fail(BAD_PARAM, "the value is memory of the device, the host's expected");
  if (type == HALF) return value_of(*static_cast<const Half*>(at));
  if (type == BFLOAT16) return value_of(*static_cast<const Bfloat*>(at));
  return *static_cast<const float*>(at);
}

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;

LIBRARY_CALL cudnnCreateOpTensorDescriptor(OpTensor** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyOpTensorDescriptor(OpTensor* op) {
  CALL
  destroy_object(op);
  END_CALL
}

LIBRARY_CALL cudnnSetOpTensorDescriptor(OpTensor* descriptor, int op, int type, int nan_propagation) {
  CALL
  OpTensor& d = given(descriptor, "the operation's descriptor");
  if (op < OP_ADD || op > OP_NOT) fail(BAD_PARAM, "%d is no operation", op);
  if (type != FLOAT && type != DOUBLE && type != HALF && type != BFLOAT16) {
    fail(BAD_PARAM, "computing in %s is not possible", type_name(type));
  }
  check_nan_propagation(nan_propagation);
  d.op = op;
  d.type = type;
  d.nan_propagation = nan_propagation;
  d.set = true;
  END_CALL
}

LIBRARY_CALL cudnnGetOpTensorDescriptor(OpTensor* descriptor, int* op, int* type, int* nan_propagation) {
  CALL
  const OpTensor& d = given(descriptor, "the operation's descriptor");
  need_places(op, type, nan_propagation);
  *op = d.op;
  *type = d.type;
  *nan_propagation = d.nan_propagation;
  END_CALL
}

// C = alpha * A + beta * C
LIBRARY_CALL cudnnAddTensor(Handle* handle, const float* alpha, Tensor* a_descriptor, const void* a, const float* beta,
                            Tensor* c_descriptor, void* c) {
  CALL
  Handle& h = handle_of(handle);
  Shape as = operand(a_descriptor, "A"), cs = operand(c_descriptor, "C"), stretched = broadcast(as, cs, "A");
  check_type(as, "A", cs);
  float fa = factor(alpha, "alpha"), fc = factor(beta, "beta");
  refuse_partial_overlap(as, a, cs, c);
  std::vector<Range> ranges;
  add_ranges(ranges, as, a, Access::READ, "A");
  add_ranges(ranges, cs, c, output(fc), "C");
  enqueue(h, cs.describe(), std::move(ranges), [=] {
    Order order = channels_last_order(cs);
    store(cs, c, order, load(stretched, a, order).data(), fa, fc);
  });
  END_CALL
}

// C = op(alpha1 * A, alpha2 * B) + beta * C
LIBRARY_CALL cudnnOpTensor(Handle* handle, OpTensor* descriptor, const float* alpha1, Tensor* a_descriptor, const void* a,
                           const float* alpha2, Tensor* b_descriptor, const void* b, const float* beta,
                           Tensor* c_descriptor, void* c) {
  CALL
  Handle& h = handle_of(handle);
  OpTensor op = given_set(descriptor, "the operation's descriptor");
  if (op.type != FLOAT) fail(NOT_SUPPORTED, "computing in %s; the simulated library does in float32", type_name(op.type));
  Shape as = operand(a_descriptor, "A"), cs = operand(c_descriptor, "C");
  check_type(as, "A", cs);
  if (!as.same_dims(cs)) fail(BAD_PARAM, "A is %s, C %s", as.describe().c_str(), cs.describe().c_str());
  bool binary = op.op != OP_SQRT && op.op != OP_NOT;
  float fa = factor(alpha1, "alpha1"), fb = binary ? factor(alpha2, "alpha2") : 0, fc = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, as, a, Access::READ, "A");
  refuse_partial_overlap(as, a, cs, c);
  Shape stretched = cs;
  if (binary) {
    Shape bs = operand(b_descriptor, "B");
    check_type(bs, "B", cs);
    stretched = broadcast(bs, cs, "B");
    add_ranges(ranges, bs, b, Access::READ, "B");
    refuse_partial_overlap(bs, b, cs, c);
  }
  add_ranges(ranges, cs, c, output(fc), "C");
  enqueue(h, cs.describe(), std::move(ranges), [=] {
    Order order = channels_last_order(cs);
    std::vector<float> values = load(as, a, order), more(values.size());
    if (binary) more = load(stretched, b, order);
    for (size_t i = 0; i < values.size(); i++) values[i] = result(op, fa * values[i], fb * more[i]);
    store(cs, c, order, values.data(), 1, fc);
  });
  END_CALL
}

// y = alpha * x + beta * y, in y's layout
LIBRARY_CALL cudnnTransformTensor(Handle* handle, const float* alpha, Tensor* x_descriptor, const void* x,
                                  const float* beta, Tensor* y_descriptor, void* y) {
  CALL
  Handle& h = handle_of(handle);
  Shape xs = operand(x_descriptor, "x"), ys = operand(y_descriptor, "y");
  check_same(xs, "x", ys, "y");
  float a = factor(alpha, "alpha"), b = factor(beta, "beta");
  std::vector<Range> ranges;
  add_ranges(ranges, xs, x, Access::READ, "x");
  add_ranges(ranges, ys, y, output(b), "y");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, xs.describe(), std::move(ranges), [=] {
    Order order = channels_last_order(xs);
    store(ys, y, order, load(xs, x, order).data(), a, b);
  });
  END_CALL
}

LIBRARY_CALL cudnnSetTensor(Handle* handle, Tensor* y_descriptor, void* y, const void* value) {
  CALL
  Handle& h = handle_of(handle);
  Shape ys = operand(y_descriptor, "y");
  float v = host_value(ys.type, value);
  std::vector<Range> ranges;
  add_ranges(ranges, ys, y, Access::WRITE, "y");
  enqueue(h, ys.describe(), std::move(ranges), [=] {
    std::vector<float> values(static_cast<size_t>(ys.count()), v);
    store(ys, y, channels_last_order(ys), values.data(), 1, 0);
  });
  END_CALL
}

LIBRARY_CALL cudnnScaleTensor(Handle* handle, Tensor* y_descriptor, void* y, const float* alpha) {
  CALL
  Handle& h = handle_of(handle);
  Shape ys = operand(y_descriptor, "y");
  float a = factor(alpha, "alpha");
  std::vector<Range> ranges;
  add_ranges(ranges, ys, y, Access::UPDATE, "y");
  enqueue(h, ys.describe(), std::move(ranges), [=] {
    Order order = channels_last_order(ys);
    store(ys, y, order, load(ys, y, order).data(), a, 0);
  });
  END_CALL
}
