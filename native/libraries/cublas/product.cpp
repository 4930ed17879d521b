#include "product.h"

#include <algorithm>
#include <vector>

#include "numbers.h"

namespace gridstride::cublas {

namespace {

constexpr size_t ROWS = 64;  // of A and C at a time: a column's sums stay in the nearest cache, the rows of A in the next

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

// Rows `first` to `first + rows` of op(X), without gaps, column-major.
void pack(const Matrix& x, bool transposed, size_t batch, size_t first, size_t rows, size_t columns, Rounding rounding,
          std::vector<float>& out) {
  out.resize(rows * columns);
  for (size_t j = 0; j < columns; j++) {
    for (size_t i = 0; i < rows; i++) {
      size_t row = first + i, index = transposed ? row * x.leading + j : j * x.leading + row;
      out[j * rows + i] = rounded(element(x, batch * x.stride + index), rounding);
    }
  }
}

// sums[i] = a[i][0] * b[0] + a[i][1] * b[1] + ..., in this order; four at a time, so that a sum is fetched once for them.
void column(const float* __restrict a, size_t rows, const float* __restrict b, size_t k, float* __restrict sums) {
  std::fill(sums, sums + rows, 0.0f);
  size_t p = 0;
  for (; p + 4 <= k; p += 4) {
    const float *a0 = a + p * rows, *a1 = a0 + rows, *a2 = a1 + rows, *a3 = a2 + rows;
    float b0 = b[p], b1 = b[p + 1], b2 = b[p + 2], b3 = b[p + 3];
    for (size_t i = 0; i < rows; i++) sums[i] = (((sums[i] + a0[i] * b0) + a1[i] * b1) + a2[i] * b2) + a3[i] * b3;
  }
  for (; p < k; p++) {
    for (size_t i = 0; i < rows; i++) sums[i] += a[p * rows + i] * b[p];
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
    if (batch == 0 || p.b.stride != 0) pack(p.b, p.transposed_b, batch, 0, k, p.n, p.rounding, b);
    for (size_t first = 0; first < p.m; first += ROWS) {
      size_t rows = std::min(ROWS, p.m - first);
      pack(p.a, p.transposed_a, batch, first, rows, k, p.rounding, a);
      for (size_t j = 0; j < p.n; j++) {
        column(a.data(), rows, b.data() + j * k, k, sums);
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
