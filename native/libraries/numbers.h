// The types that tensor cores multiply, as they round them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace gridstride::library {

inline uint32_t bits_of(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

inline float of_bits(uint32_t bits) {
  float v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

// 10 bits of mantissa; nearest, ties away from zero. Infinity and NaN stay.
inline float to_tf32(float v) {
  uint32_t bits = bits_of(v);
  return (bits & 0x7f800000u) == 0x7f800000u ? v : of_bits((bits + 0x1000u) & 0xffffe000u);
}

// 7 bits of mantissa; nearest, ties to even.
inline uint16_t to_bfloat16(float v) {
  uint32_t bits = bits_of(v);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;  // NaN, as a card writes it
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline float of_bfloat16(uint16_t bits) { return of_bits(static_cast<uint32_t>(bits) << 16); }

}  // namespace gridstride::library
