// Reductions of a tensor along the dimensions in which the result has the extent 1. Accumulated in float64.
#include <cmath>

#include "tensor.h"

namespace gridstride::cudnn {

namespace {

struct Reduction {
  static constexpr const char *NAME = "reduction descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  int op = 0, type = 0, nan_propagation = 0, indices = 0, index_type = 0;

  double start() const {
    switch (op) {
      case REDUCE_MUL:
      case REDUCE_MUL_NO_ZEROS: return 1;
      case REDUCE_MIN: return INFINITY;
      case REDUCE_MAX: return -INFINITY;
      default: return 0;
    }
  }
  double add(double sum, double v) const {
    bool nan = std::isnan(v) || std::isnan(sum);
    switch (op) {
      case REDUCE_MUL: return sum * v;
      case REDUCE_MIN: return nan ? skip_nan(sum, v) : std::fmin(sum, v);
      case REDUCE_MAX: return nan ? skip_nan(sum, v) : std::fmax(sum, v);
      case REDUCE_AMAX: return nan ? skip_nan(sum, v) : std::fmax(sum, std::fabs(v));
      case REDUCE_NORM1: return sum + std::fabs(v);
      case REDUCE_NORM2: return sum + v * v;
      case REDUCE_MUL_NO_ZEROS: return v == 0 ? sum : sum * v;
      default: return sum + v;
    }
  }
  double end(double sum, int64_t count) const {
    if (op == REDUCE_AVG) return sum / static_cast<double>(count);
    return op == REDUCE_NORM2 ? std::sqrt(sum) : sum;
  }

 private:
  double skip_nan(double sum, double v) const {
    if (nan_propagation != 0) return NAN;
    return std::isnan(v) ? sum : v;
  }
};

void check_shapes(const Shape& a, const Shape& c) {
  bool fits = c.rank == a.rank;
  for (int i = 0; i < a.rank && fits; i++) fits = c.dim[i] == 1 || c.dim[i] == a.dim[i];
  if (!fits) fail(BAD_PARAM, "C is %s, A %s: extents of A or 1 expected", c.describe().c_str(), a.describe().c_str());
  if (a.type != c.type) fail(BAD_PARAM, "A is %s, C %s", type_name(a.type), type_name(c.type));
}

size_t workspace_of(const Shape& c) { return static_cast<size_t>(c.count()) * 8; }

std::vector<float> reduce(const Reduction& r, const Shape& a, const Shape& c, const std::vector<float>& values) {
  std::vector<double> sums(static_cast<size_t>(c.count()), r.start());
  int64_t step[DIM_MAX] = {}, below = 1;  // in the sums, which lie as C's extents say
  for (int i = c.rank - 1; i >= 0; i--) {
    step[i] = c.dim[i] == 1 ? 0 : below;
    below *= c.dim[i];
  }
  int index[DIM_MAX] = {};
  int64_t at = 0;
  for (float v : values) {
    double& sum = sums[static_cast<size_t>(at)];
    sum = r.add(sum, v);
    for (int d = a.rank - 1; d >= 0; d--) {
      at += step[d];
      if (++index[d] < a.dim[d]) break;
      at -= step[d] * a.dim[d];
      index[d] = 0;
    }
  }
  std::vector<float> out;
  for (double sum : sums) out.push_back(static_cast<float>(r.end(sum, a.count() / c.count())));
  return out;
}

}  // namespace

}  // namespace gridstride::cudnn

using namespace gridstride::cudnn;
using gridstride::library::Access;
using gridstride::library::Range;

LIBRARY_CALL cudnnCreateReduceTensorDescriptor(Reduction** out) {
  CALL
  make_object(out);
  END_CALL
}

LIBRARY_CALL cudnnDestroyReduceTensorDescriptor(Reduction* reduction) {
  CALL
  destroy_object(reduction);
  END_CALL
}

LIBRARY_CALL cudnnSetReduceTensorDescriptor(Reduction* reduction, int op, int type, int nan_propagation, int indices,
                                            int index_type) {
  CALL
  Reduction& r = given(reduction, "the reduction descriptor");
  if (op < REDUCE_ADD || op > REDUCE_MUL_NO_ZEROS) fail(BAD_PARAM, "%d is no reduction", op);
  if (type != FLOAT && type != DOUBLE && type != HALF) {
    fail(BAD_PARAM, "computing in %s is not possible; float32 goes with bfloat16 tensors", type_name(type));
  }
  check_nan_propagation(nan_propagation);
  if (indices != 0 && indices != 1) fail(BAD_PARAM, "%d: 0 (no indices) or 1 (flattened) expected", indices);
  if (index_type < 0 || index_type > 3) fail(BAD_PARAM, "%d is no type of indices", index_type);
  r = {true, op, type, nan_propagation, indices, index_type};
  END_CALL
}

LIBRARY_CALL cudnnGetReduceTensorDescriptor(Reduction* reduction, int* op, int* type, int* nan_propagation, int* indices,
                                            int* index_type) {
  CALL
  const Reduction& r = given(reduction, "the reduction descriptor");
  need_places(op, type, nan_propagation, indices, index_type);
  *op = r.op;
  *type = r.type;
  *nan_propagation = r.nan_propagation;
  *indices = r.indices;
  *index_type = r.index_type;
  END_CALL
}

LIBRARY_CALL cudnnGetReductionIndicesSize(Handle* handle, Reduction* reduction, Tensor* a, Tensor* c, size_t* out) {
  CALL
  handle_of(handle);
  given_set(reduction, "the reduction descriptor");
  check_shapes(operand(a, "A"), operand(c, "C"));
  need(out, "the place for the size");
  *out = 0;
  END_CALL
}

LIBRARY_CALL cudnnGetReductionWorkspaceSize(Handle* handle, Reduction* reduction, Tensor* a, Tensor* c, size_t* out) {
  CALL
  handle_of(handle);
  given_set(reduction, "the reduction descriptor");
  check_shapes(operand(a, "A"), operand(c, "C"));
  need(out, "the place for the size");
  *out = workspace_of(c->shape);
  END_CALL
}

// C = alpha * reduce(A) + beta * C
LIBRARY_CALL cudnnReduceTensor(Handle* handle, Reduction* reduction, void*, size_t, void* workspace,
                               size_t workspace_bytes, const float* alpha, Tensor* a_descriptor, const void* a,
                               const float* beta, Tensor* c_descriptor, void* c) {
  CALL
  Handle& h = handle_of(handle);
  Reduction r = given_set(reduction, "the reduction descriptor");
  Shape as = operand(a_descriptor, "A"), cs = operand(c_descriptor, "C");
  check_shapes(as, cs);
  if (r.type != FLOAT) fail(NOT_SUPPORTED, "computing in %s; the simulated library does in float32", type_name(r.type));
  if (r.indices != 0) fail(NOT_SUPPORTED, "the simulated library gives no indices");
  float fa = factor(alpha, "alpha"), fc = factor(beta, "beta");
  size_t wanted = workspace_of(cs);
  if (workspace_bytes < wanted) {
    fail(SIZE_INSUFFICIENT, "a workspace of %zu bytes, %zu are needed", workspace_bytes, wanted);
  }
  need(workspace, "the workspace");
  std::vector<Range> ranges{{"the workspace", reinterpret_cast<uintptr_t>(workspace), Access::SCRATCH, wanted}};
  add_ranges(ranges, as, a, Access::READ, "A");
  add_ranges(ranges, cs, c, output(fc), "C");
  refuse_overlap(ranges, BAD_PARAM);
  enqueue(h, text("%s to %s", as.describe().c_str(), cs.describe().c_str()), std::move(ranges), [=] {
    std::vector<float> values = reduce(r, as, cs, load(as, a, natural_order(as)));
    store(cs, c, natural_order(cs), values.data(), fa, fc);
  });
  END_CALL
}
