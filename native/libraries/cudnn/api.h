// The names of cuDNN's interface that the simulated library answers to: codes and constants. Written from the library's
// documentation; no file of cuDNN is needed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gridstride::cudnn {

constexpr int VERSION = 90501, CUDART_VERSION = 12060;
constexpr int DIM_MAX = 8;

enum Status : int {
  SUCCESS = 0,
  BAD_PARAM = 2000,
  INVALID_VALUE = 2001,
  MISALIGNED_POINTER = 2003,
  SIZE_INSUFFICIENT = 2006,
  NOT_SUPPORTED = 3000,
  ARCH_MISMATCH = 3007,
};

enum DataType : int { FLOAT = 0, DOUBLE = 1, HALF = 2, INT32 = 4, BFLOAT16 = 9, TYPES = 10 };
enum Format : int { NCHW = 0, NHWC = 1, NCHW_VECT_C = 2 };
enum MathType : int { DEFAULT_MATH = 0, TENSOR_OP_MATH = 1, ALLOW_CONVERSION = 2, FMA_MATH = 3 };
enum ConvolutionMode : int { CONVOLUTION = 0, CROSS_CORRELATION = 1 };
enum PoolingMode : int { POOL_MAX = 0, POOL_AVERAGE_INCLUDE = 1, POOL_AVERAGE_EXCLUDE = 2, POOL_MAX_DETERMINISTIC = 3 };
enum ActivationMode : int { SIGMOID = 0, RELU = 1, TANH = 2, CLIPPED_RELU = 3, ELU = 4, IDENTITY = 5, SWISH = 6 };
enum SoftmaxAlgorithm : int { SOFTMAX_FAST = 0, SOFTMAX_ACCURATE = 1, SOFTMAX_LOG = 2 };
enum SoftmaxMode : int { SOFTMAX_INSTANCE = 0, SOFTMAX_CHANNEL = 1 };
enum BatchNormMode : int { PER_ACTIVATION = 0, SPATIAL = 1, SPATIAL_PERSISTENT = 2 };
enum OpTensorOp : int { OP_ADD = 0, OP_MUL = 1, OP_MIN = 2, OP_MAX = 3, OP_SQRT = 4, OP_NOT = 5 };
enum ReduceOp : int {
  REDUCE_ADD = 0,
  REDUCE_MUL = 1,
  REDUCE_MIN = 2,
  REDUCE_MAX = 3,
  REDUCE_AMAX = 4,
  REDUCE_AVG = 5,
  REDUCE_NORM1 = 6,
  REDUCE_NORM2 = 7,
  REDUCE_MUL_NO_ZEROS = 8
};

// What the algorithm queries fill in; the same for the three passes.
struct Performance {
  int algorithm;
  int status;
  float time;
  size_t memory;
  int determinism;  // 1: deterministic
  int math_type;
  int reserved[3];
};
static_assert(sizeof(Performance) == 48);

}  // namespace gridstride::cudnn
