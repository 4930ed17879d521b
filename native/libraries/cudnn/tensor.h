// Tensor and filter descriptors, and tensors in memory: their ranges, and their elements as float32 in an order of choice.
#pragma once

#include <vector>

#include "call.h"

namespace gridstride::cudnn {

size_t type_bytes(int type);
const char* type_name(int type);

// Extents and strides (in elements), outermost as the caller gave them: N, C, then space.
struct Shape {
  int type = 0, rank = 0;
  int dim[DIM_MAX] = {}, stride[DIM_MAX] = {};

  int64_t count() const;
  int64_t extent() const;  // from the first to the last element, in elements
  size_t bytes() const { return static_cast<size_t>(extent()) * type_bytes(type); }
  bool same_dims(const Shape& other) const;
  bool same_strides(const Shape& other) const;
  std::string describe() const;  // "float32 [8, 3, 32, 32]"
};

struct Tensor {
  static constexpr const char *NAME = "tensor descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  Shape shape;
};

struct Filter {
  static constexpr const char *NAME = "filter descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  int format = 0;
  Shape shape;  // K, C, then space; strides by the format
};

// Strides of a tensor without gaps.
void pack(Shape& shape, int format);
// Whether the tensor has no gaps and its dimensions, from the outermost, lie in that order; extents of 1 fit any.
bool packed_as(const Shape& shape, int format);

// What an operation asks of a tensor: set, of a type that is computed with, positive strides without overlap, 4 or 5 dimensions.
const Shape& operand(const Tensor* tensor, const char* argument);
void check_computable(const Shape& shape, const char* argument);

// Operands of one type and of the same extents, and where `alike` of the same strides.
void check_same(const Shape& a, const char* a_name, const Shape& b, const char* b_name, bool alike = false);

// The memory of a tensor.
void add_ranges(std::vector<library::Range>& ranges, const Shape& shape, const void* at, library::Access access,
                const char* role);
// An output is read only where something of it stays.
inline library::Access output(float beta) { return beta == 0 ? library::Access::WRITE : library::Access::UPDATE; }
// An operand that the output may replace: both at the same place, where their elements lie alike.
void add_replaced(std::vector<library::Range>& ranges, const Shape& in, const void* at, const char* role,
                  const Shape& out, const void* out_at, float beta, const char* out_role);
// A pointer of the caller's to elements of that type: not null, aligned.
void check_pointer(const void* at, int type, const char* argument);

// The order of a loop over a tensor's dimensions, outermost first.
struct Order {
  int rank;
  int axis[DIM_MAX];
};
Order natural_order(const Shape& shape);         // N, C, space
Order channels_last_order(const Shape& shape);  // N, space, C

std::vector<float> load(const Shape& shape, const void* at, const Order& order);
// out = alpha * values + beta * out; `out` is not read where beta is 0.
void store(const Shape& shape, void* at, const Order& order, const float* values, float alpha, float beta);


}  // namespace gridstride::cudnn
