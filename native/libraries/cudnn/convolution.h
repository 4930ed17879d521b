// Convolutions: their descriptor, one pass of one with all sizes, the algorithms and what each takes, the loops.
#pragma once

#include "tensor.h"

namespace gridstride::cudnn {

struct Convolution {
  static constexpr const char *NAME = "convolution descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  int rank = 0;  // spatial
  int pad[DIM_MAX] = {}, stride[DIM_MAX] = {}, dilation[DIM_MAX] = {};
  int mode = 0, type = 0, groups = 1, math = DEFAULT_MATH, reorder = 0;
};

enum class Pass : uint8_t { FORWARD, BACKWARD_DATA, BACKWARD_FILTER };

// A pass with its tensors: x and dx, w and dw, y and dy are x, w and y.
struct Problem {
  Pass pass;
  Shape x, y, w;
  int filter_format;
  Convolution convolution;
  bool tensor_cores = false;  // float32 operands are TF32

  int n() const { return x.dim[0]; }
  int c() const { return x.dim[1]; }
  int k() const { return y.dim[1]; }
  int groups() const { return convolution.groups; }
  std::string describe() const;
};

// Extents of the output; fails.
void output_dims(const Convolution& convolution, const Shape& x, const Shape& w, int* dims);

// Fails as the library does for tensors that do not fit each other. TF32 is up to the device.
Problem problem_of(Pass pass, const Tensor* x, const Filter* w, const Convolution* convolution, const Tensor* y);

struct Algorithm {
  int number;
  const char* name;
  bool deterministic;
};
int algorithm_count(Pass pass);
const Algorithm& algorithm_of(Pass pass, int number);  // fails
std::string refusal(const Problem& problem, const Algorithm& algorithm);  // empty: it takes the problem
size_t workspace_of(const Problem& problem, const Algorithm& algorithm);

// The algorithm takes the problem and the workspace is large enough; its range is added.
const Algorithm& checked_algorithm(const Problem& problem, int number, const void* workspace, size_t bytes,
                                   std::vector<library::Range>& ranges);

// The loops. Results lie as N, space, C; that of the filter with its taps outermost.
std::vector<float> forward(const Problem& problem, const void* x, const void* w);
std::vector<float> backward_data(const Problem& problem, const void* w, const void* y, size_t rotation);
std::vector<float> backward_filter(const Problem& problem, const void* x, const void* y, size_t rotation);

}  // namespace gridstride::cudnn
