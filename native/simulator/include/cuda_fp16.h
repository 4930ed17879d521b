// half for the simulated device: the part of CUDA's header of this name that kernels mostly use.
#pragma once
#include "small_floats.h"

GRIDSTRIDE_SMALL_FLOAT(__half, __half2, gridstride_half_bits, gridstride_half_value)
typedef __half half;
typedef __half2 half2;

GRIDSTRIDE_INLINE __half __float2half(float v) { return __half(v); }
GRIDSTRIDE_INLINE __half __float2half_rn(float v) { return __half(v); }
GRIDSTRIDE_INLINE float __half2float(__half v) { return static_cast<float>(v); }
GRIDSTRIDE_INLINE __half __int2half_rn(int v) { return __half(v); }
GRIDSTRIDE_INLINE int __half2int_rn(__half v) { return __float2int_rn(static_cast<float>(v)); }
GRIDSTRIDE_INLINE __half2 make_half2(__half x, __half y) { return {x, y}; }
GRIDSTRIDE_INLINE __half2 __halves2half2(__half x, __half y) { return {x, y}; }
GRIDSTRIDE_INLINE __half2 __half2half2(__half v) { return {v, v}; }
GRIDSTRIDE_INLINE __half2 __floats2half2_rn(float x, float y) { return {__half(x), __half(y)}; }
GRIDSTRIDE_INLINE __half2 __float2half2_rn(float v) { return {__half(v), __half(v)}; }
GRIDSTRIDE_INLINE __half2 __float22half2_rn(float2 v) { return {__half(v.x), __half(v.y)}; }
GRIDSTRIDE_INLINE float2 __half22float2(__half2 v) { return {static_cast<float>(v.x), static_cast<float>(v.y)}; }
GRIDSTRIDE_INLINE __half __low2half(__half2 v) { return v.x; }
GRIDSTRIDE_INLINE __half __high2half(__half2 v) { return v.y; }
GRIDSTRIDE_INLINE unsigned short __half_as_ushort(__half v) { return v.bits; }
GRIDSTRIDE_INLINE __half __ushort_as_half(unsigned short bits) {
  __half v;
  v.bits = bits;
  return v;
}
