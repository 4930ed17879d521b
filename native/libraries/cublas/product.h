// C = alpha * op(A) * op(B) + beta * C for column-major matrices, in plain loops.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gridstride::cublas {

enum class Type : uint8_t { FLOAT32, BFLOAT16 };
constexpr size_t size_of(Type type) { return type == Type::FLOAT32 ? 4 : 2; }

// What float32 operands are rounded to before they are multiplied. Sums are of float32.
enum class Rounding : uint8_t { NONE, TF32, BFLOAT16 };

struct Matrix {
  uintptr_t at = 0;
  Type type = Type::FLOAT32;
  size_t leading = 0;  // elements from a column to the next
  size_t stride = 0;   // elements from a matrix of the batch to the next
};

struct Product {
  size_t m = 0, n = 0, k = 0, batch = 1;
  bool transposed_a = false, transposed_b = false;
  Matrix a, b, c;
  Rounding rounding = Rounding::NONE;
  float alpha = 0, beta = 0;
  const float *device_alpha = nullptr, *device_beta = nullptr;  // read when it runs, if not null
};

void multiply(const Product& product);

}  // namespace gridstride::cublas
