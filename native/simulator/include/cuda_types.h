// Vector types of CUDA, with their sizes and alignments, and their make_ functions.
#pragma once

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

#define GRIDSTRIDE_VECTOR(T, name, align2, align4)                                              \
  struct name##1 { T x; };                                                                      \
  struct __attribute__((aligned(align2))) name##2 { T x, y; };                                  \
  struct name##3 { T x, y, z; };                                                                \
  struct __attribute__((aligned(align4))) name##4 { T x, y, z, w; };                            \
  static inline __attribute__((always_inline, unused)) name##1 make_##name##1(T x) { return {x}; }  \
  static inline __attribute__((always_inline, unused)) name##2 make_##name##2(T x, T y) { return {x, y}; } \
  static inline __attribute__((always_inline, unused)) name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; } \
  static inline __attribute__((always_inline, unused)) name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }

GRIDSTRIDE_VECTOR(signed char, char, 2, 4)
GRIDSTRIDE_VECTOR(unsigned char, uchar, 2, 4)
GRIDSTRIDE_VECTOR(short, short, 4, 8)
GRIDSTRIDE_VECTOR(unsigned short, ushort, 4, 8)
GRIDSTRIDE_VECTOR(int, int, 8, 16)
GRIDSTRIDE_VECTOR(unsigned int, uint, 8, 16)
GRIDSTRIDE_VECTOR(long, long, 16, 16)
GRIDSTRIDE_VECTOR(unsigned long, ulong, 16, 16)
GRIDSTRIDE_VECTOR(long long, longlong, 16, 16)
GRIDSTRIDE_VECTOR(unsigned long long, ulonglong, 16, 16)
GRIDSTRIDE_VECTOR(float, float, 8, 16)
GRIDSTRIDE_VECTOR(double, double, 16, 16)

#undef GRIDSTRIDE_VECTOR

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};
