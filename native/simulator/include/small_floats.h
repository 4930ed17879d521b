// What half and bfloat16 have in common: 16 bits, arithmetic in float32 and rounded to 16 bits, which
// for one operation is what a card gives (not always for a fused multiply-add).
#pragma once

#include "cuda_dialect.h"

GRIDSTRIDE_INLINE unsigned short gridstride_half_bits(float v) {
  unsigned f = __float_as_uint(v), sign = f >> 16 & 0x8000u;
  f &= 0x7fffffffu;
  if (f > 0x7f800000u) return static_cast<unsigned short>(0x7fffu);           // NaN, as a card writes it
  if (f >= 0x477ff000u) return static_cast<unsigned short>(sign | 0x7c00u);   // rounds to infinity
  if (f < 0x33000001u) return static_cast<unsigned short>(sign);              // rounds to zero
  unsigned exponent = f >> 23, mantissa = (f & 0x7fffffu) | 0x800000u;
  unsigned shift = exponent < 113 ? 126 - exponent : 13;                       // below 2^-14: subnormal
  unsigned kept = mantissa >> shift, rest = mantissa & ((1u << shift) - 1), middle = 1u << (shift - 1);
  if (rest > middle || (rest == middle && (kept & 1u) != 0)) kept++;
  return static_cast<unsigned short>(sign | (exponent < 113 ? kept : kept + ((exponent - 113) << 10)));
}

GRIDSTRIDE_INLINE float gridstride_half_value(unsigned short h) {
  unsigned sign = static_cast<unsigned>(h & 0x8000u) << 16, exponent = h >> 10 & 31u, mantissa = h & 0x3ffu;
  if (exponent == 0) {
    float v = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -v : v;
  }
  return __uint_as_float(sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13);
}

// Nearest, ties to even.
GRIDSTRIDE_INLINE unsigned short gridstride_bfloat_bits(float v) {
  unsigned f = __float_as_uint(v);
  if ((f & 0x7fffffffu) > 0x7f800000u) return static_cast<unsigned short>(0x7fffu);
  return static_cast<unsigned short>((f + 0x7fffu + (f >> 16 & 1u)) >> 16);
}

GRIDSTRIDE_INLINE float gridstride_bfloat_value(unsigned short b) { return __uint_as_float(static_cast<unsigned>(b) << 16); }

// T with `bits` and T2 with x and y, and their operators.
#define GRIDSTRIDE_SMALL_FLOAT(T, T2, to_bits, to_value)                                                       \
  struct T {                                                                                                   \
    unsigned short bits;                                                                                       \
    T() = default;                                                                                             \
    T(float v) : bits(to_bits(v)) {}                                                                           \
    T(double v) : bits(to_bits(static_cast<float>(v))) {}                                                      \
    T(int v) : bits(to_bits(static_cast<float>(v))) {}                                                         \
    operator float() const { return to_value(bits); }                                                          \
    T& operator+=(T b) { return *this = T(static_cast<float>(*this) + static_cast<float>(b)); }                \
    T& operator-=(T b) { return *this = T(static_cast<float>(*this) - static_cast<float>(b)); }                \
    T& operator*=(T b) { return *this = T(static_cast<float>(*this) * static_cast<float>(b)); }                \
    T& operator/=(T b) { return *this = T(static_cast<float>(*this) / static_cast<float>(b)); }                \
  };                                                                                                           \
  struct __attribute__((aligned(4))) T2 { T x, y; };                                                           \
  GRIDSTRIDE_INLINE T operator+(T a, T b) { return T(static_cast<float>(a) + static_cast<float>(b)); }         \
  GRIDSTRIDE_INLINE T operator-(T a, T b) { return T(static_cast<float>(a) - static_cast<float>(b)); }         \
  GRIDSTRIDE_INLINE T operator*(T a, T b) { return T(static_cast<float>(a) * static_cast<float>(b)); }         \
  GRIDSTRIDE_INLINE T operator/(T a, T b) { return T(static_cast<float>(a) / static_cast<float>(b)); }         \
  GRIDSTRIDE_INLINE T operator-(T a) { return T(-static_cast<float>(a)); }                                     \
  GRIDSTRIDE_INLINE bool operator<(T a, T b) { return static_cast<float>(a) < static_cast<float>(b); }         \
  GRIDSTRIDE_INLINE bool operator>(T a, T b) { return static_cast<float>(a) > static_cast<float>(b); }         \
  GRIDSTRIDE_INLINE bool operator<=(T a, T b) { return static_cast<float>(a) <= static_cast<float>(b); }       \
  GRIDSTRIDE_INLINE bool operator>=(T a, T b) { return static_cast<float>(a) >= static_cast<float>(b); }       \
  GRIDSTRIDE_INLINE bool operator==(T a, T b) { return static_cast<float>(a) == static_cast<float>(b); }       \
  GRIDSTRIDE_INLINE bool operator!=(T a, T b) { return static_cast<float>(a) != static_cast<float>(b); }       \
  GRIDSTRIDE_INLINE T2 operator+(T2 a, T2 b) { return {a.x + b.x, a.y + b.y}; }                                \
  GRIDSTRIDE_INLINE T2 operator-(T2 a, T2 b) { return {a.x - b.x, a.y - b.y}; }                                \
  GRIDSTRIDE_INLINE T2 operator*(T2 a, T2 b) { return {a.x * b.x, a.y * b.y}; }                                \
  GRIDSTRIDE_INLINE T2 operator/(T2 a, T2 b) { return {a.x / b.x, a.y / b.y}; }                                \
  GRIDSTRIDE_INLINE T __hadd(T a, T b) { return a + b; }                                                       \
  GRIDSTRIDE_INLINE T __hsub(T a, T b) { return a - b; }                                                       \
  GRIDSTRIDE_INLINE T __hmul(T a, T b) { return a * b; }                                                       \
  GRIDSTRIDE_INLINE T __hdiv(T a, T b) { return a / b; }                                                       \
  GRIDSTRIDE_INLINE T __hneg(T a) { return -a; }                                                               \
  GRIDSTRIDE_INLINE T __habs(T a) { return T(fabsf(static_cast<float>(a))); }                                  \
  GRIDSTRIDE_INLINE T __hfma(T a, T b, T c) {                                                                  \
    return T(fmaf(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)));                       \
  }                                                                                                            \
  GRIDSTRIDE_INLINE T __hmax(T a, T b) { return T(fmaxf(static_cast<float>(a), static_cast<float>(b))); }      \
  GRIDSTRIDE_INLINE T __hmin(T a, T b) { return T(fminf(static_cast<float>(a), static_cast<float>(b))); }      \
  GRIDSTRIDE_INLINE bool __hgt(T a, T b) { return a > b; }                                                     \
  GRIDSTRIDE_INLINE bool __hlt(T a, T b) { return a < b; }                                                     \
  GRIDSTRIDE_INLINE bool __hge(T a, T b) { return a >= b; }                                                    \
  GRIDSTRIDE_INLINE bool __hle(T a, T b) { return a <= b; }                                                    \
  GRIDSTRIDE_INLINE bool __heq(T a, T b) { return a == b; }                                                    \
  GRIDSTRIDE_INLINE bool __hne(T a, T b) { return a != b; }                                                    \
  GRIDSTRIDE_INLINE bool __hisnan(T a) { return static_cast<float>(a) != static_cast<float>(a); }              \
  GRIDSTRIDE_INLINE T2 __hadd2(T2 a, T2 b) { return a + b; }                                                   \
  GRIDSTRIDE_INLINE T2 __hsub2(T2 a, T2 b) { return a - b; }                                                   \
  GRIDSTRIDE_INLINE T2 __hmul2(T2 a, T2 b) { return a * b; }                                                   \
  GRIDSTRIDE_INLINE T2 __hfma2(T2 a, T2 b, T2 c) { return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; }    \
  GRIDSTRIDE_INLINE T hexp(T a) { return T(expf(static_cast<float>(a))); }                                     \
  GRIDSTRIDE_INLINE T hlog(T a) { return T(logf(static_cast<float>(a))); }                                     \
  GRIDSTRIDE_INLINE T hsqrt(T a) { return T(sqrtf(static_cast<float>(a))); }                                   \
  GRIDSTRIDE_INLINE T hrsqrt(T a) { return T(1.0f / sqrtf(static_cast<float>(a))); }                           \
  GRIDSTRIDE_INLINE float __low2float(T2 v) { return static_cast<float>(v.x); }                                \
  GRIDSTRIDE_INLINE float __high2float(T2 v) { return static_cast<float>(v.y); }
