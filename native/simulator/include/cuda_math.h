// Device functions of CUDA that g++ does not know: intrinsics, conversions, mixed min and max.
// Fast-math intrinsics give the exact result here: their rounding on a card is not modelled.
#pragma once

// ---- Loads and stores with a cache hint ----------------------------------------------------

template <typename T> GRIDSTRIDE_INLINE T __ldg(const T* p) { return *p; }
template <typename T> GRIDSTRIDE_INLINE T __ldcs(const T* p) { return *p; }
template <typename T> GRIDSTRIDE_INLINE T __ldca(const T* p) { return *p; }
template <typename T> GRIDSTRIDE_INLINE T __ldcg(const T* p) { return *p; }
template <typename T> GRIDSTRIDE_INLINE T __ldlu(const T* p) { return *p; }
template <typename T> GRIDSTRIDE_INLINE T __ldcv(const T* p) { return *p; }
template <typename T> GRIDSTRIDE_INLINE void __stcs(T* p, T v) { *p = v; }
template <typename T> GRIDSTRIDE_INLINE void __stcg(T* p, T v) { *p = v; }
template <typename T> GRIDSTRIDE_INLINE void __stwb(T* p, T v) { *p = v; }
template <typename T> GRIDSTRIDE_INLINE void __stwt(T* p, T v) { *p = v; }

// ---- Bits ----------------------------------------------------------------------------------

template <typename To, typename From>
GRIDSTRIDE_INLINE To gridstride_bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

GRIDSTRIDE_INLINE float __int_as_float(int v) { return gridstride_bit_cast<float>(v); }
GRIDSTRIDE_INLINE float __uint_as_float(unsigned v) { return gridstride_bit_cast<float>(v); }
GRIDSTRIDE_INLINE int __float_as_int(float v) { return gridstride_bit_cast<int>(v); }
GRIDSTRIDE_INLINE unsigned __float_as_uint(float v) { return gridstride_bit_cast<unsigned>(v); }
GRIDSTRIDE_INLINE double __longlong_as_double(long long v) { return gridstride_bit_cast<double>(v); }
GRIDSTRIDE_INLINE long long __double_as_longlong(double v) { return gridstride_bit_cast<long long>(v); }
GRIDSTRIDE_INLINE int __double2hiint(double v) { return static_cast<int>(gridstride_bit_cast<unsigned long long>(v) >> 32); }
GRIDSTRIDE_INLINE int __double2loint(double v) { return static_cast<int>(gridstride_bit_cast<unsigned long long>(v)); }

GRIDSTRIDE_INLINE int __clz(int v) { return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v)); }
GRIDSTRIDE_INLINE int __clzll(long long v) { return v == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(v)); }
GRIDSTRIDE_INLINE int __ffs(int v) { return __builtin_ffs(v); }
GRIDSTRIDE_INLINE int __ffsll(long long v) { return __builtin_ffsll(v); }
GRIDSTRIDE_INLINE int __popc(unsigned v) { return __builtin_popcount(v); }
GRIDSTRIDE_INLINE int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
GRIDSTRIDE_INLINE unsigned __brev(unsigned v) {
  v = __builtin_bswap32(v);
  v = (v & 0x0f0f0f0fu) << 4 | (v >> 4 & 0x0f0f0f0fu);
  v = (v & 0x33333333u) << 2 | (v >> 2 & 0x33333333u);
  return (v & 0x55555555u) << 1 | (v >> 1 & 0x55555555u);
}
GRIDSTRIDE_INLINE unsigned long long __brevll(unsigned long long v) {
  return static_cast<unsigned long long>(__brev(static_cast<unsigned>(v))) << 32 | __brev(static_cast<unsigned>(v >> 32));
}
// Byte i of the result is byte (selector >> 4i) & 7 of the eight bytes y:x.
GRIDSTRIDE_INLINE unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  unsigned long long bytes = static_cast<unsigned long long>(y) << 32 | x;
  unsigned r = 0;
  for (int i = 0; i < 4; i++) {
    unsigned s = selector >> (4 * i);
    unsigned byte = static_cast<unsigned>(bytes >> (8 * (s & 7u))) & 0xffu;
    if ((s & 8u) != 0) byte = (byte & 0x80u) != 0 ? 0xffu : 0u;
    r |= byte << (8 * i);
  }
  return r;
}
GRIDSTRIDE_INLINE unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<unsigned long long>(high) << 32 | low) << (shift & 31u) >> 32);
}
GRIDSTRIDE_INLINE unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<unsigned long long>(high) << 32 | low) >> (shift & 31u));
}

// ---- Integers ------------------------------------------------------------------------------

GRIDSTRIDE_INLINE int __mulhi(int a, int b) { return static_cast<int>(static_cast<long long>(a) * b >> 32); }
GRIDSTRIDE_INLINE unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32); }
__extension__ typedef __int128 gridstride_int128;
__extension__ typedef unsigned __int128 gridstride_uint128;
GRIDSTRIDE_INLINE long long __mul64hi(long long a, long long b) { return static_cast<long long>(static_cast<gridstride_int128>(a) * b >> 64); }
GRIDSTRIDE_INLINE unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>(static_cast<gridstride_uint128>(a) * b >> 64);
}
GRIDSTRIDE_INLINE int __mul24(int a, int b) { return a * b; }
GRIDSTRIDE_INLINE unsigned __umul24(unsigned a, unsigned b) { return a * b; }
GRIDSTRIDE_INLINE unsigned __sad(int a, int b, unsigned c) { return c + static_cast<unsigned>(a > b ? a - b : b - a); }

GRIDSTRIDE_INLINE int gridstride_byte(int v, int i) { return static_cast<signed char>(static_cast<unsigned>(v) >> (8 * i)); }
GRIDSTRIDE_INLINE int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 4; i++) c += gridstride_byte(a, i) * gridstride_byte(b, i);
  return c;
}
GRIDSTRIDE_INLINE unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 4; i++) c += (a >> (8 * i) & 0xffu) * (b >> (8 * i) & 0xffu);
  return c;
}

#define GRIDSTRIDE_MIN_MAX(T, A, B)                                                                                  \
  GRIDSTRIDE_INLINE constexpr T min(A a, B b) { return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a); } \
  GRIDSTRIDE_INLINE constexpr T max(A a, B b) { return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a); }
GRIDSTRIDE_MIN_MAX(int, int, int)
GRIDSTRIDE_MIN_MAX(unsigned, unsigned, unsigned)
GRIDSTRIDE_MIN_MAX(unsigned, int, unsigned)
GRIDSTRIDE_MIN_MAX(unsigned, unsigned, int)
GRIDSTRIDE_MIN_MAX(long, long, long)
GRIDSTRIDE_MIN_MAX(unsigned long, unsigned long, unsigned long)
GRIDSTRIDE_MIN_MAX(unsigned long, long, unsigned long)
GRIDSTRIDE_MIN_MAX(unsigned long, unsigned long, long)
GRIDSTRIDE_MIN_MAX(long long, long long, long long)
GRIDSTRIDE_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
GRIDSTRIDE_MIN_MAX(unsigned long long, long long, unsigned long long)
GRIDSTRIDE_MIN_MAX(unsigned long long, unsigned long long, long long)
#undef GRIDSTRIDE_MIN_MAX
// NaN is ignored, as fminf and fmaxf do.
GRIDSTRIDE_INLINE float min(float a, float b) { return __builtin_fminf(a, b); }
GRIDSTRIDE_INLINE float max(float a, float b) { return __builtin_fmaxf(a, b); }
GRIDSTRIDE_INLINE double min(double a, double b) { return __builtin_fmin(a, b); }
GRIDSTRIDE_INLINE double max(double a, double b) { return __builtin_fmax(a, b); }
GRIDSTRIDE_INLINE double min(float a, double b) { return __builtin_fmin(a, b); }
GRIDSTRIDE_INLINE double max(float a, double b) { return __builtin_fmax(a, b); }
GRIDSTRIDE_INLINE double min(double a, float b) { return __builtin_fmin(a, b); }
GRIDSTRIDE_INLINE double max(double a, float b) { return __builtin_fmax(a, b); }
GRIDSTRIDE_INLINE unsigned umin(unsigned a, unsigned b) { return a < b ? a : b; }
GRIDSTRIDE_INLINE unsigned umax(unsigned a, unsigned b) { return a > b ? a : b; }
GRIDSTRIDE_INLINE long long llmin(long long a, long long b) { return a < b ? a : b; }
GRIDSTRIDE_INLINE long long llmax(long long a, long long b) { return a > b ? a : b; }

// ---- Floating point ------------------------------------------------------------------------

GRIDSTRIDE_INLINE float rsqrtf(float v) { return 1.0f / sqrtf(v); }
GRIDSTRIDE_INLINE double rsqrt(double v) { return 1.0 / sqrt(v); }
GRIDSTRIDE_INLINE float rcbrtf(float v) { return 1.0f / cbrtf(v); }
GRIDSTRIDE_INLINE double rcbrt(double v) { return 1.0 / cbrt(v); }
GRIDSTRIDE_INLINE float __saturatef(float v) { return v >= 0.0f ? (v > 1.0f ? 1.0f : v) : 0.0f; }
GRIDSTRIDE_INLINE float fdividef(float a, float b) { return a / b; }
GRIDSTRIDE_INLINE float __fdividef(float a, float b) { return a / b; }
// Macros, since the host's math.h has functions of these names.
#define __expf expf
#define __exp10f exp10f
#define __logf logf
#define __log2f log2f
#define __log10f log10f
#define __powf powf
#define __sinf sinf
#define __cosf cosf
#define __tanf tanf
#define __sincosf sincosf
#define __tanhf tanhf

// sin(pi v) and cos(pi v), the argument reduced exactly.
GRIDSTRIDE_INLINE double gridstride_quarter(double v, double* rest) {
  double r = v - 2.0 * floor(v * 0.5);  // [0, 2)
  double quarter = floor(2.0 * r + 0.5);
  *rest = (r - 0.5 * quarter) * 3.14159265358979323846;
  return quarter;
}
GRIDSTRIDE_INLINE double sinpi(double v) {
  double rest;
  switch (static_cast<int>(gridstride_quarter(v, &rest)) & 3) {
    case 0: return sin(rest);
    case 1: return cos(rest);
    case 2: return -sin(rest);
    default: return -cos(rest);
  }
}
GRIDSTRIDE_INLINE double cospi(double v) {
  double rest;
  switch (static_cast<int>(gridstride_quarter(v, &rest)) & 3) {
    case 0: return cos(rest);
    case 1: return -sin(rest);
    case 2: return -cos(rest);
    default: return sin(rest);
  }
}
GRIDSTRIDE_INLINE float sinpif(float v) { return static_cast<float>(sinpi(static_cast<double>(v))); }
GRIDSTRIDE_INLINE float cospif(float v) { return static_cast<float>(cospi(static_cast<double>(v))); }
GRIDSTRIDE_INLINE void sincospif(float v, float* s, float* c) { *s = sinpif(v); *c = cospif(v); }
GRIDSTRIDE_INLINE void sincospi(double v, double* s, double* c) { *s = sinpi(v); *c = cospi(v); }
GRIDSTRIDE_INLINE double normcdf(double v) { return 0.5 * erfc(-v * 0.70710678118654752440); }
GRIDSTRIDE_INLINE float normcdff(float v) { return static_cast<float>(normcdf(static_cast<double>(v))); }
GRIDSTRIDE_INLINE float norm3df(float a, float b, float c) { return sqrtf(a * a + b * b + c * c); }
GRIDSTRIDE_INLINE float norm4df(float a, float b, float c, float d) { return sqrtf(a * a + b * b + c * c + d * d); }
GRIDSTRIDE_INLINE float rhypotf(float a, float b) { return 1.0f / hypotf(a, b); }

// Round to nearest even is what the host does; the other roundings are not offered.
GRIDSTRIDE_INLINE float __fadd_rn(float a, float b) { return a + b; }
GRIDSTRIDE_INLINE float __fsub_rn(float a, float b) { return a - b; }
GRIDSTRIDE_INLINE float __fmul_rn(float a, float b) { return a * b; }
GRIDSTRIDE_INLINE float __fdiv_rn(float a, float b) { return a / b; }
GRIDSTRIDE_INLINE float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
GRIDSTRIDE_INLINE float __fsqrt_rn(float v) { return sqrtf(v); }
GRIDSTRIDE_INLINE float __frcp_rn(float v) { return 1.0f / v; }
GRIDSTRIDE_INLINE float __frsqrt_rn(float v) { return 1.0f / sqrtf(v); }
GRIDSTRIDE_INLINE double __dadd_rn(double a, double b) { return a + b; }
GRIDSTRIDE_INLINE double __dsub_rn(double a, double b) { return a - b; }
GRIDSTRIDE_INLINE double __dmul_rn(double a, double b) { return a * b; }
GRIDSTRIDE_INLINE double __ddiv_rn(double a, double b) { return a / b; }
GRIDSTRIDE_INLINE double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
GRIDSTRIDE_INLINE double __dsqrt_rn(double v) { return sqrt(v); }

// ---- Conversions: out of range saturates and NaN gives 0, as on a card ---------------------

template <typename To>
GRIDSTRIDE_INLINE To gridstride_saturate(double v, double low, double high, To lowest, To highest) {
  return v != v ? To{0} : v <= low ? lowest : v >= high ? highest : static_cast<To>(v);
}
GRIDSTRIDE_INLINE int gridstride_to_int(double v) { return gridstride_saturate<int>(v, -2147483648.0, 2147483647.0, -2147483647 - 1, 2147483647); }
GRIDSTRIDE_INLINE unsigned gridstride_to_uint(double v) { return gridstride_saturate<unsigned>(v, 0.0, 4294967295.0, 0u, 4294967295u); }
GRIDSTRIDE_INLINE long long gridstride_to_ll(double v) {
  return gridstride_saturate<long long>(v, -9223372036854775808.0, 9223372036854775808.0, -9223372036854775807LL - 1, 9223372036854775807LL);
}
GRIDSTRIDE_INLINE int __float2int_rn(float v) { return gridstride_to_int(nearbyint(static_cast<double>(v))); }
GRIDSTRIDE_INLINE int __float2int_rz(float v) { return gridstride_to_int(trunc(static_cast<double>(v))); }
GRIDSTRIDE_INLINE int __float2int_rd(float v) { return gridstride_to_int(floor(static_cast<double>(v))); }
GRIDSTRIDE_INLINE int __float2int_ru(float v) { return gridstride_to_int(ceil(static_cast<double>(v))); }
GRIDSTRIDE_INLINE unsigned __float2uint_rn(float v) { return gridstride_to_uint(nearbyint(static_cast<double>(v))); }
GRIDSTRIDE_INLINE unsigned __float2uint_rz(float v) { return gridstride_to_uint(trunc(static_cast<double>(v))); }
GRIDSTRIDE_INLINE unsigned __float2uint_rd(float v) { return gridstride_to_uint(floor(static_cast<double>(v))); }
GRIDSTRIDE_INLINE long long __float2ll_rn(float v) { return gridstride_to_ll(nearbyint(static_cast<double>(v))); }
GRIDSTRIDE_INLINE int __double2int_rn(double v) { return gridstride_to_int(nearbyint(v)); }
GRIDSTRIDE_INLINE int __double2int_rz(double v) { return gridstride_to_int(trunc(v)); }
GRIDSTRIDE_INLINE long long __double2ll_rn(double v) { return gridstride_to_ll(nearbyint(v)); }
GRIDSTRIDE_INLINE float __double2float_rn(double v) { return static_cast<float>(v); }
GRIDSTRIDE_INLINE float __int2float_rn(int v) { return static_cast<float>(v); }
GRIDSTRIDE_INLINE float __uint2float_rn(unsigned v) { return static_cast<float>(v); }
GRIDSTRIDE_INLINE float __ll2float_rn(long long v) { return static_cast<float>(v); }
GRIDSTRIDE_INLINE float __ull2float_rn(unsigned long long v) { return static_cast<float>(v); }
GRIDSTRIDE_INLINE double __int2double_rn(int v) { return static_cast<double>(v); }

// ---- Address spaces and asynchronous copies (the primitives of <cuda_pipeline.h>) ----------

GRIDSTRIDE_INLINE size_t __cvta_generic_to_shared(const void* p) { return reinterpret_cast<size_t>(p); }
GRIDSTRIDE_INLINE size_t __cvta_generic_to_global(const void* p) { return reinterpret_cast<size_t>(p); }

GRIDSTRIDE_INLINE void __pipeline_memcpy_async(void* to, const void* from, size_t bytes, size_t zeros = 0) {
  gridstride_sim_copy_async(to, from, static_cast<unsigned>(bytes), static_cast<unsigned>(bytes - zeros));
}
GRIDSTRIDE_INLINE void __pipeline_commit() { gridstride_sim_copy_async_commit(); }
GRIDSTRIDE_INLINE void __pipeline_wait_prior(size_t pending) { gridstride_sim_copy_async_wait(static_cast<unsigned>(pending)); }
