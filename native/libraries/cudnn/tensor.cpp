#include "tensor.h"

#include <algorithm>
#include <cstring>

#include "half.h"

namespace gridstride::cudnn {

namespace {

constexpr size_t BYTES[] = {4, 8, 2, 1, 4, 4, 1, 4, 32, 2};
constexpr const char* NAMES[] = {"float32", "float64", "half",  "int8",  "int32",
                                 "int8x4",  "uint8",   "uint8x4", "int8x32", "bfloat16"};

// One level of a nest of loops over memory.
struct Level {
  int64_t count, stride;  // in elements
};

// Joins the levels that follow each other without a gap.
void join(std::vector<Level>& nest) {
  for (size_t i = nest.size(); i-- > 1;) {
    if (nest[i - 1].stride != nest[i].stride * nest[i].count) continue;
    nest[i - 1] = {nest[i - 1].count * nest[i].count, nest[i].stride};
    nest.erase(nest.begin() + static_cast<long>(i));
  }
}

// Walks all elements in that order: calls body(offset, stride, count), in elements, for each row.
template <class Body>
void each_row(const Shape& shape, const Order& order, Body&& body) {
  std::vector<Level> nest;
  for (int i = 0; i < order.rank; i++) {
    int axis = order.axis[i];
    if (shape.dim[axis] > 1) nest.push_back({shape.dim[axis], shape.stride[axis]});
  }
  join(nest);
  if (nest.empty()) nest.push_back({1, 1});
  size_t inner = nest.size() - 1;
  std::vector<int64_t> index(nest.size());
  int64_t offset = 0;
  while (true) {
    body(offset, nest[inner].stride, nest[inner].count);
    size_t d = inner;
    for (; d-- > 0;) {
      offset += nest[d].stride;
      if (++index[d] < nest[d].count) break;
      offset -= nest[d].stride * nest[d].count;
      index[d] = 0;
    }
    if (d == SIZE_MAX) return;
  }
}

template <class T>
void load_as(const Shape& shape, const void* at, const Order& order, float* out) {
  const T* from = static_cast<const T*>(at);
  each_row(shape, order, [&](int64_t offset, int64_t stride, int64_t count) {
    for (int64_t i = 0; i < count; i++) out[i] = value_of(from[offset + i * stride]);
    out += count;
  });
}

template <class T>
void store_as(const Shape& shape, void* at, const Order& order, const float* values, float alpha, float beta) {
  T* to = static_cast<T*>(at);
  each_row(shape, order, [&](int64_t offset, int64_t stride, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
      T& place = to[offset + i * stride];
      float v = alpha == 1 ? values[i] : alpha * values[i];
      set_value(place, beta == 0 ? v : v + beta * value_of(place));
    }
    values += count;
  });
}

// The dimensions from the outermost in memory, joined.
std::vector<Level> levels(const Shape& shape) {
  std::vector<Level> nest;
  for (int i = 0; i < shape.rank; i++) {
    if (shape.dim[i] > 1) nest.push_back({shape.dim[i], shape.stride[i]});
  }
  std::sort(nest.begin(), nest.end(), [](const Level& a, const Level& b) { return a.stride > b.stride; });
  join(nest);
  return nest;
}

}  // namespace

size_t type_bytes(int type) { return type < 0 || type >= TYPES ? 0 : BYTES[type]; }
const char* type_name(int type) { return type < 0 || type >= TYPES ? "unknown type" : NAMES[type]; }

int64_t Shape::count() const {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= dim[i];
  return rank == 0 ? 0 : n;
}

int64_t Shape::extent() const {
  if (rank == 0) return 0;
  int64_t last = 0;
  for (int i = 0; i < rank; i++) last += int64_t{dim[i] - 1} * std::abs(int64_t{stride[i]});
  return last + 1;
}

bool Shape::same_dims(const Shape& other) const {
  return rank == other.rank && std::equal(dim, dim + rank, other.dim);
}

bool Shape::same_strides(const Shape& other) const {
  if (!same_dims(other)) return false;
  for (int i = 0; i < rank; i++) {
    if (dim[i] > 1 && stride[i] != other.stride[i]) return false;
  }
  return true;
}

std::string Shape::describe() const {
  std::string out = std::string(type_name(type)) + " [";
  for (int i = 0; i < rank; i++) out += (i == 0 ? "" : ", ") + std::to_string(dim[i]);
  return out + "]";
}

void pack(Shape& shape, int format) {
  int order[DIM_MAX], n = 0;  // innermost first
  if (format == NHWC) order[n++] = 1;
  for (int i = shape.rank - 1; i >= 0; i--) {
    if (format != NHWC || i != 1) order[n++] = i;
  }
  int64_t stride = 1;
  for (int i = 0; i < n; i++) {
    shape.stride[order[i]] = static_cast<int>(std::min<int64_t>(stride, INT32_MAX));
    stride *= shape.dim[order[i]];
  }
}

bool packed_as(const Shape& shape, int format) {
  Shape other = shape;
  pack(other, format);
  return shape.same_strides(other);
}

void check_computable(const Shape& shape, const char* argument) {
  if (shape.type != FLOAT && shape.type != HALF && shape.type != BFLOAT16) {
    fail(NOT_SUPPORTED, "%s is %s; the simulated library computes with float32, half and bfloat16", argument,
         type_name(shape.type));
  }
  int64_t below = 1;
  for (int i = 0; i < shape.rank; i++) {
    if (shape.dim[i] > 1 && shape.stride[i] <= 0) {
      fail(NOT_SUPPORTED, "%s: stride %d of dimension %d is not positive", argument, shape.stride[i], i);
    }
  }
  std::vector<Level> nest = levels(shape);
  for (size_t i = nest.size(); i-- > 0;) {
    if (nest[i].stride < below) fail(NOT_SUPPORTED, "%s: its elements overlap", argument);
    below = (nest[i].count - 1) * nest[i].stride + below;
  }
}

const Shape& operand(const Tensor* tensor, const char* argument) {
  const Shape& shape = given_set(tensor, argument).shape;
  if (shape.rank != 4 && shape.rank != 5) {
    fail(NOT_SUPPORTED, "%s has %d dimensions, 4 or 5 expected", argument, shape.rank);
  }
  check_computable(shape, argument);
  return shape;
}

void check_same(const Shape& a, const char* a_name, const Shape& b, const char* b_name, bool alike) {
  if (a.type == b.type && (alike ? a.same_strides(b) : a.same_dims(b))) return;
  fail(BAD_PARAM, "%s is %s, %s %s: the same type%s expected", a_name, a.describe().c_str(), b_name, b.describe().c_str(),
       alike ? ", extents and strides" : " and extents");
}

void check_pointer(const void* at, int type, const char* argument) {
  need(at, argument);
  if (reinterpret_cast<uintptr_t>(at) % type_bytes(type) != 0) {
    fail(MISALIGNED_POINTER, "%s (%p) is not aligned to its elements of %zu bytes", argument, at, type_bytes(type));
  }
}

void add_ranges(std::vector<library::Range>& ranges, const Shape& shape, const void* at, library::Access access,
                const char* role) {
  check_pointer(at, shape.type, role);
  size_t bytes = type_bytes(shape.type);
  std::vector<Level> nest = levels(shape);
  library::Range range{role, reinterpret_cast<uintptr_t>(at), access, bytes};
  auto take = [&](size_t& count, size_t& stride) {
    if (nest.empty()) return;
    count = static_cast<size_t>(nest.back().count);
    stride = static_cast<size_t>(nest.back().stride) * bytes;
    nest.pop_back();
  };
  if (!nest.empty() && nest.back().stride == 1) {
    range.width *= static_cast<size_t>(nest.back().count);
    nest.pop_back();
  }
  take(range.height, range.pitch);
  take(range.depth, range.slice);
  int64_t more = 1;
  for (const Level& level : nest) more *= level.count;
  if (more > 4096) fail(NOT_SUPPORTED, "%s: too many gaps (%s)", role, shape.describe().c_str());
  for (int64_t i = 0; i < more; i++) {
    library::Range one = range;
    int64_t rest = i;
    for (const Level& level : nest) {
      one.at += static_cast<size_t>(rest % level.count * level.stride) * bytes;
      rest /= level.count;
    }
    ranges.push_back(one);
  }
}

void add_replaced(std::vector<library::Range>& ranges, const Shape& in, const void* at, const char* role,
                  const Shape& out, const void* out_at, float beta, const char* out_role) {
  bool in_place = at == out_at && in.same_strides(out);
  if (!in_place) add_ranges(ranges, in, at, library::Access::READ, role);
  add_ranges(ranges, out, out_at, in_place ? library::Access::UPDATE : output(beta), out_role);
}

Order natural_order(const Shape& shape) {
  Order order{shape.rank, {}};
  for (int i = 0; i < shape.rank; i++) order.axis[i] = i;
  return order;
}

Order channels_last_order(const Shape& shape) {
  Order order{shape.rank, {}};
  for (int i = 2; i < shape.rank; i++) order.axis[i - 1] = i;
  order.axis[shape.rank - 1] = 1;
  return order;
}

std::vector<float> load(const Shape& shape, const void* at, const Order& order) {
  std::vector<float> out(static_cast<size_t>(shape.count()));
  switch (shape.type) {
    case HALF: load_as<Half>(shape, at, order, out.data()); break;
    case BFLOAT16: load_as<Bfloat>(shape, at, order, out.data()); break;
    default: load_as<float>(shape, at, order, out.data());
  }
  return out;
}

void store(const Shape& shape, void* at, const Order& order, const float* values, float alpha, float beta) {
  switch (shape.type) {
    case HALF: store_as<Half>(shape, at, order, values, alpha, beta); break;
    case BFLOAT16: store_as<Bfloat>(shape, at, order, values, alpha, beta); break;
    default: store_as<float>(shape, at, order, values, alpha, beta);
  }
}

}  // namespace gridstride::cudnn
