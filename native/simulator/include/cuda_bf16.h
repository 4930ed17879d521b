// bfloat16 for the simulated device: the part of CUDA's header of this name that kernels mostly use.
#pragma once
#include "small_floats.h"

GRIDSTRIDE_SMALL_FLOAT(__nv_bfloat16, __nv_bfloat162, gridstride_bfloat_bits, gridstride_bfloat_value)
typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

GRIDSTRIDE_INLINE __nv_bfloat16 __float2bfloat16(float v) { return __nv_bfloat16(v); }
GRIDSTRIDE_INLINE __nv_bfloat16 __float2bfloat16_rn(float v) { return __nv_bfloat16(v); }
GRIDSTRIDE_INLINE float __bfloat162float(__nv_bfloat16 v) { return static_cast<float>(v); }
GRIDSTRIDE_INLINE __nv_bfloat162 make_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
GRIDSTRIDE_INLINE __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
GRIDSTRIDE_INLINE __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 v) { return {v, v}; }
GRIDSTRIDE_INLINE __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {__nv_bfloat16(x), __nv_bfloat16(y)}; }
GRIDSTRIDE_INLINE __nv_bfloat162 __float2bfloat162_rn(float v) { return {__nv_bfloat16(v), __nv_bfloat16(v)}; }
GRIDSTRIDE_INLINE __nv_bfloat162 __float22bfloat162_rn(float2 v) { return {__nv_bfloat16(v.x), __nv_bfloat16(v.y)}; }
GRIDSTRIDE_INLINE float2 __bfloat1622float2(__nv_bfloat162 v) { return {static_cast<float>(v.x), static_cast<float>(v.y)}; }
GRIDSTRIDE_INLINE __nv_bfloat16 __low2bfloat16(__nv_bfloat162 v) { return v.x; }
GRIDSTRIDE_INLINE __nv_bfloat16 __high2bfloat16(__nv_bfloat162 v) { return v.y; }
GRIDSTRIDE_INLINE unsigned short __bfloat16_as_ushort(__nv_bfloat16 v) { return v.bits; }
GRIDSTRIDE_INLINE __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) {
  __nv_bfloat16 v;
  v.bits = bits;
  return v;
}
