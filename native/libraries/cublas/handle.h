// cuBLAS's handle, codes and constants; written from its documentation.
#pragma once

#include "library.h"

namespace gridstride::cublas {

enum : int {
  SUCCESS = 0,
  NOT_INITIALIZED = 1,
  ALLOC_FAILED = 3,
  INVALID_VALUE = 7,
  ARCH_MISMATCH = 8,
  MAPPING_ERROR = 11,
  EXECUTION_FAILED = 13,
  INTERNAL_ERROR = 14,
  NOT_SUPPORTED = 15,
  LICENSE_ERROR = 16,
};

enum class PointerMode { HOST, DEVICE };

// cublasMath_t, without its flag.
enum Math : int { DEFAULT_MATH = 0, TENSOR_OP_MATH = 1, PEDANTIC_MATH = 2, TF32_TENSOR_OP_MATH = 3 };
constexpr int DISALLOW_REDUCED_PRECISION_REDUCTION = 16;

struct Handle {
  uint64_t context = 0;
  CUstream stream = nullptr;
  PointerMode pointer_mode = PointerMode::HOST;
  int math_mode = DEFAULT_MATH;  // with the flag
  int atomics = 0;
  int multiprocessors = 0;  // 0: all
  uintptr_t workspace = 0;
  size_t workspace_bytes = 0;
  void* own_workspace = nullptr;

  int math() const { return math_mode & ~DISALLOW_REDUCED_PRECISION_REDUCTION; }
  void use_own_workspace();
};

// A live handle whose context is current; fails.
Handle& handle_of(void* handle);

}  // namespace gridstride::cublas
