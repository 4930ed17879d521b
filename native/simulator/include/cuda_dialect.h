// CUDA C++ for g++: what a .cu file may use without including anything. simcc includes it first and
// itself translates __global__, __device__, __constant__, __shared__ and __launch_bounds__.
#pragma once

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmath>
#include <type_traits>

#include "assert.h"
#include "device_calls.h"
#include "image.h"

#define __host__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __CUDACC__ 1
#define __NVCC__ 1
#define CUDART_VERSION 12060
#define GRIDSTRIDE_INLINE static inline __attribute__((always_inline, unused))

#include "cuda_types.h"
#include "trampoline.h"

// ---- Where a thread is ---------------------------------------------------------------------

extern "C" {
extern __attribute__((visibility("default"))) const uint3 threadIdx __asm__("gridstride_sim_thread_index");
extern __attribute__((visibility("default"))) const uint3 blockIdx __asm__("gridstride_sim_block_index");
extern __attribute__((visibility("default"))) const uint3 blockDim __asm__("gridstride_sim_block_extent");
extern __attribute__((visibility("default"))) const uint3 gridDim __asm__("gridstride_sim_grid_extent");
}
static constexpr int warpSize = 32;

// ---- Barriers and fences -------------------------------------------------------------------

GRIDSTRIDE_INLINE void __syncthreads() { gridstride_sim_syncthreads(); }
GRIDSTRIDE_INLINE int __syncthreads_count(int predicate) { return gridstride_sim_syncthreads_count(predicate); }
GRIDSTRIDE_INLINE int __syncthreads_and(int predicate) { return gridstride_sim_syncthreads_and(predicate); }
GRIDSTRIDE_INLINE int __syncthreads_or(int predicate) { return gridstride_sim_syncthreads_or(predicate); }
GRIDSTRIDE_INLINE void __syncwarp(unsigned mask = 0xffffffffu) { gridstride_sim_syncwarp(mask); }

// Threads switch only at barriers, so a fence has only the compiler to hold back.
GRIDSTRIDE_INLINE void __threadfence_block() { __asm__ volatile("" ::: "memory"); }
GRIDSTRIDE_INLINE void __threadfence() {
#if defined(GRIDSTRIDE_CHECKED)
  gridstride_sim_fence();
#endif
  __asm__ volatile("" ::: "memory");
}
GRIDSTRIDE_INLINE void __threadfence_system() { __threadfence(); }

GRIDSTRIDE_INLINE void __trap() { gridstride_sim_trap(); }
GRIDSTRIDE_INLINE void __nanosleep(unsigned) {}
GRIDSTRIDE_INLINE void __brkpt() {}

// ---- Warp instructions ---------------------------------------------------------------------

template <typename T>
GRIDSTRIDE_INLINE T gridstride_shuffle(int kind, unsigned mask, T value, int lane, int width) {
  static_assert(sizeof(T) <= 8, "a shuffle carries at most 8 bytes");
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  bits = gridstride_sim_shuffle(kind, mask, bits, lane, width);
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

template <typename T>
GRIDSTRIDE_INLINE T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
  return gridstride_shuffle(GRIDSTRIDE_SHUFFLE_IDX, mask, value, lane, width);
}
template <typename T>
GRIDSTRIDE_INLINE T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return gridstride_shuffle(GRIDSTRIDE_SHUFFLE_UP, mask, value, static_cast<int>(delta), width);
}
template <typename T>
GRIDSTRIDE_INLINE T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return gridstride_shuffle(GRIDSTRIDE_SHUFFLE_DOWN, mask, value, static_cast<int>(delta), width);
}
template <typename T>
GRIDSTRIDE_INLINE T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
  return gridstride_shuffle(GRIDSTRIDE_SHUFFLE_XOR, mask, value, lanes, width);
}

GRIDSTRIDE_INLINE unsigned __ballot_sync(unsigned mask, int predicate) { return gridstride_sim_ballot(mask, predicate); }
GRIDSTRIDE_INLINE int __all_sync(unsigned mask, int predicate) { return gridstride_sim_all(mask, predicate); }
GRIDSTRIDE_INLINE int __any_sync(unsigned mask, int predicate) { return gridstride_sim_any(mask, predicate); }
GRIDSTRIDE_INLINE unsigned __activemask() { return gridstride_sim_activemask(); }

template <typename T>
GRIDSTRIDE_INLINE unsigned long long gridstride_bits(T value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a match compares 4 or 8 bytes");
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  return bits;
}
template <typename T>
GRIDSTRIDE_INLINE unsigned __match_any_sync(unsigned mask, T value) {
  return gridstride_sim_match_any(mask, gridstride_bits(value));
}
template <typename T>
GRIDSTRIDE_INLINE unsigned __match_all_sync(unsigned mask, T value, int* predicate) {
  return gridstride_sim_match_all(mask, gridstride_bits(value), predicate);
}

GRIDSTRIDE_INLINE unsigned __reduce_add_sync(unsigned mask, unsigned v) { return gridstride_sim_reduce(GRIDSTRIDE_ADD, mask, v); }
GRIDSTRIDE_INLINE int __reduce_add_sync(unsigned mask, int v) {
  return static_cast<int>(gridstride_sim_reduce(GRIDSTRIDE_ADD, mask, static_cast<unsigned>(v)));
}
GRIDSTRIDE_INLINE unsigned __reduce_min_sync(unsigned mask, unsigned v) { return gridstride_sim_reduce(GRIDSTRIDE_UMIN, mask, v); }
GRIDSTRIDE_INLINE int __reduce_min_sync(unsigned mask, int v) {
  return static_cast<int>(gridstride_sim_reduce(GRIDSTRIDE_MIN, mask, static_cast<unsigned>(v)));
}
GRIDSTRIDE_INLINE unsigned __reduce_max_sync(unsigned mask, unsigned v) { return gridstride_sim_reduce(GRIDSTRIDE_UMAX, mask, v); }
GRIDSTRIDE_INLINE int __reduce_max_sync(unsigned mask, int v) {
  return static_cast<int>(gridstride_sim_reduce(GRIDSTRIDE_MAX, mask, static_cast<unsigned>(v)));
}
GRIDSTRIDE_INLINE unsigned __reduce_and_sync(unsigned mask, unsigned v) { return gridstride_sim_reduce(GRIDSTRIDE_AND, mask, v); }
GRIDSTRIDE_INLINE unsigned __reduce_or_sync(unsigned mask, unsigned v) { return gridstride_sim_reduce(GRIDSTRIDE_OR, mask, v); }
GRIDSTRIDE_INLINE unsigned __reduce_xor_sync(unsigned mask, unsigned v) { return gridstride_sim_reduce(GRIDSTRIDE_XOR, mask, v); }

#include "cuda_atomics.h"
#include "cuda_math.h"

#if defined(GRIDSTRIDE_CHECKED)
// Copies by a library are not instrumented: they are announced.
GRIDSTRIDE_INLINE void* gridstride_memcpy(void* to, const void* from, size_t bytes) {
  gridstride_sim_read(from, bytes);
  gridstride_sim_write(to, bytes);
  return __builtin_memcpy(to, from, bytes);
}
GRIDSTRIDE_INLINE void* gridstride_memset(void* to, int byte, size_t bytes) {
  gridstride_sim_write(to, bytes);
  return __builtin_memset(to, byte, bytes);
}
#define memcpy gridstride_memcpy
#define memset gridstride_memset
#endif
