#pragma once

#include "tensor.h"

namespace gridstride::cudnn {

struct Activation {
  static constexpr const char *NAME = "activation descriptor", *COUNTED_AS = "cudnn_descriptors";
  bool set = false;
  int mode = 0, nan_propagation = 0;
  double coefficient = 0, swish_beta = 1;
};

}  // namespace gridstride::cudnn
