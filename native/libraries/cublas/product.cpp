#include "product.h"

#include <algorithm>
#include <vector>

#include "numbers.h"

namespace gridstride::cublas {

namespace {

constexpr size_t ROWS = 256;  // of A and C at a time, so that a column's sums stay in the nearest cache

float element(const Matrix& x, size_t index) {
  return x.type == Type::FLOAT32 ? reinterpret_cast<const float*>(x.at)[index]
                                 : library::of_bfloat16(reinterpret_cast<const uint16_t*>(x.at)[index]);
}

void set_element(const Matrix& x, size_t index, float v) {
  if (x.type == Type::FLOAT32) {
    reinterpret_cast<float*>(x.at)[index] = v;
  } else {
    reinterpret_cast<uint16_t*>(x.at)[index] = library::to_bfloat16(v);
  }
}

float rounded(float v, Rounding rounding) {
  switch (rounding) {
    case Rounding::TF32: return library::to_tf32(v);
    case Rounding::BFLOAT16: return library::of_bfloat16(library::to_bfloat16(v));
    default: return v;
  }
}

// op(X) without gaps, rows by columns, column-major.
void pack(const Matrix& x, bool transposed, size_t batch, size_t rows, size_t columns, Rounding rounding,
          std::vector<float>& out) {
  out.resize(rows * columns);
  for (size_t j = 0; j < columns; j++) {
    for (size_t i = 0; i < rows; i++) {
      size_t index = transposed ? i * x.leading + j : j * x.leading + i;
      out[j * rows + i] = rounded(element(x, batch * x.stride + index), rounding);
    }
  }
}

// sums[i] = a[i][0] * b[0] + a[i][1] * b[1] + ..., in this order.
void column(const float* __restrict a, size_t rows, size_t leading, const float* __restrict b, size_t k,
            float* __restrict sums) {
  std::fill(sums, sums + rows, 0.0f);
  for (size_t p = 0; p < k; p++) {
    const float* a_column = a + p * leading;
    float factor = b[p];
    for (size_t i = 0; i < rows; i++) sums[i] += a_column[i] * factor;
  }
}

}  // namespace

void multiply(const Product& p) {
  float alpha = p.device_alpha == nullptr ? p.alpha : *p.device_alpha;
  float beta = p.device_beta == nullptr ? p.beta : *p.device_beta;
  size_t k = alpha == 0 ? 0 : p.k;  // as BLAS has it, A and B are not read then
  std::vector<float> a, b;
  float sums[ROWS];
  for (size_t batch = 0; batch < p.batch; batch++) {
    if (batch == 0 || p.a.stride != 0) pack(p.a, p.transposed_a, batch, p.m, k, p.rounding, a);
    if (batch == 0 || p.b.stride != 0) pack(p.b, p.transposed_b, batch, k, p.n, p.rounding, b);
    for (size_t first = 0; first < p.m; first += ROWS) {
      size_t rows = std::min(ROWS, p.m - first);
      for (size_t j = 0; j < p.n; j++) {
        column(a.data() + first, rows, p.m, b.data() + j * k, k, sums);
        for (size_t i = 0; i < rows; i++) {
          size_t index = batch * p.c.stride + j * p.c.leading + first + i;
          float v = alpha == 0 ? 0.0f : alpha * sums[i];
          set_element(p.c, index, beta == 0 ? v : v + beta * element(p.c, index));
        }
      }
    }
  }
}

}  // namespace gridstride::cublas
