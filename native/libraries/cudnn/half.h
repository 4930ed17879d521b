// Half and bfloat16 as elements of tensors.
#pragma once

#include "numbers.h"

namespace gridstride::cudnn {

struct Half {
  uint16_t bits;
};
struct Bfloat {
  uint16_t bits;
};

inline float value_of(float v) { return v; }
inline void set_value(float& place, float v) { place = v; }

inline float value_of(Bfloat v) { return library::of_bfloat16(v.bits); }
inline void set_value(Bfloat& place, float v) { place.bits = library::to_bfloat16(v); }

inline float value_of(Half v) {
  uint32_t sign = static_cast<uint32_t>(v.bits & 0x8000u) << 16, exponent = v.bits >> 10 & 31u,
           mantissa = v.bits & 0x3ffu;
  if (exponent == 0) {
    float f = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -f : f;
  }
  return library::of_bits(sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13);
}

// Nearest, ties to even; NaN as a card writes it.
inline void set_value(Half& place, float v) {
  uint32_t f = library::bits_of(v), sign = f >> 16 & 0x8000u;
  f &= 0x7fffffffu;
  if (f > 0x7f800000u) {
    place.bits = 0x7fff;
  } else if (f >= 0x477ff000u) {  // rounds to infinity
    place.bits = static_cast<uint16_t>(sign | 0x7c00u);
  } else if (f < 0x33000001u) {  // rounds to zero
    place.bits = static_cast<uint16_t>(sign);
  } else {
    uint32_t exponent = f >> 23, mantissa = (f & 0x7fffffu) | 0x800000u;
    uint32_t shift = exponent < 113 ? 126 - exponent : 13;  // below 2^-14: subnormal
    uint32_t kept = mantissa >> shift, rest = mantissa & ((1u << shift) - 1), middle = 1u << (shift - 1);
    if (rest > middle || (rest == middle && (kept & 1u) != 0)) kept++;
    place.bits = static_cast<uint16_t>(sign | (exponent < 113 ? kept : kept + ((exponent - 113) << 10)));
  }
}

}  // namespace gridstride::cudnn
