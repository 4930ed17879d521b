// The one header that a kernel includes. The same names for nvcc, NVRTC and the simulated device
// (g++); every #if on compiler or architecture lives here, so that kernels have none.
//
// Contents: integer names, tile arithmetic, 128-bit loads, warp and block reductions in a fixed
// order, teams of threads over rows, asynchronous copies to shared memory, bfloat16 and TF32
// conversion, tensor-core instructions, Philox and the shuffle.
#pragma once

#if defined(GRIDSTRIDE_SIMULATOR)
#include "cuda_dialect.h"  // threadIdx, __syncthreads and the rest of CUDA C++ for g++
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// INFINITY is a macro of a host header that NVRTC does not have.
#define POSITIVE_INFINITY __int_as_float(0x7f800000)
#define NEGATIVE_INFINITY __int_as_float(0xff800000)

constexpr int WARP = 32;
constexpr u32 ALL_LANES = 0xffffffffu;

template <typename T>
__host__ __device__ constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

// ---- Global memory -------------------------------------------------------------------------

// 16 bytes in one instruction. The address must be a multiple of 16.
__device__ __forceinline__ float4 load4(const float* p) { return *reinterpret_cast<const float4*>(p); }
__device__ __forceinline__ void store4(float* p, float4 v) { *reinterpret_cast<float4*>(p) = v; }

// V floats side by side, V = 4 or 1: a kernel written over V has its 128-bit path and its scalar
// path in one body. Addresses must be multiples of 4 * V.
template <int V>
struct alignas(4 * V) Floats {
  float at[V];
};

template <int V>
__device__ __forceinline__ Floats<V> load_floats(const float* p) {
  static_assert(V == 1 || V == 4, "one float or a float4");
  Floats<V> r;
  if constexpr (V == 4) {
    float4 v = load4(p);
    r.at[0] = v.x, r.at[1] = v.y, r.at[2] = v.z, r.at[3] = v.w;
  } else {
    r.at[0] = *p;
  }
  return r;
}

template <int V>
__device__ __forceinline__ void store_floats(float* p, Floats<V> v) {
  if constexpr (V == 4) {
    store4(p, make_float4(v.at[0], v.at[1], v.at[2], v.at[3]));
  } else {
    *p = v.at[0];
  }
}

template <int V>
__device__ __forceinline__ Floats<V> same_floats(float value) {
  Floats<V> r;
  for (int j = 0; j < V; j++) r.at[j] = value;
  return r;
}

// ---- Reductions ----------------------------------------------------------------------------

// Sum over the warp, in the same order every time; every lane gets it. All 32 lanes must call.
__device__ __forceinline__ float warp_sum(float v) {
  for (int offset = WARP / 2; offset > 0; offset /= 2) v += __shfl_xor_sync(ALL_LANES, v, offset);
  return v;
}

// Maximum over the warp; every lane gets it. NaN is ignored, as fmaxf does.
__device__ __forceinline__ float warp_max(float v) {
  for (int offset = WARP / 2; offset > 0; offset /= 2) v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, offset));
  return v;
}

// Sum over a block of THREADS (a multiple of 32, one dimension), fixed order; every thread gets it.
// `scratch` is shared memory for THREADS / 32 floats; it may be used again after the next barrier.
template <int THREADS>
__device__ __forceinline__ float block_sum(float v, float* scratch) {
  constexpr int WARPS = THREADS / WARP;
  v = warp_sum(v);
  if constexpr (WARPS > 1) {
    __syncthreads();  // the last use of scratch is over
    if (threadIdx.x % WARP == 0) scratch[threadIdx.x / WARP] = v;
    __syncthreads();
    v = scratch[0];
    for (int i = 1; i < WARPS; i++) v += scratch[i];
  }
  return v;
}

// Maximum over a block of THREADS, as block_sum.
template <int THREADS>
__device__ __forceinline__ float block_max(float v, float* scratch) {
  constexpr int WARPS = THREADS / WARP;
  v = warp_max(v);
  if constexpr (WARPS > 1) {
    __syncthreads();
    if (threadIdx.x % WARP == 0) scratch[threadIdx.x / WARP] = v;
    __syncthreads();
    v = scratch[0];
    for (int i = 1; i < WARPS; i++) v = fmaxf(v, scratch[i]);
  }
  return v;
}

// Column sums of a block: the sum of v over threadIdx.y, as a tree, the same order every time. The
// threads of threadIdx.y == 0 get it. blockDim.y must be a power of two; `scratch` is shared memory
// for one Floats<V> a thread, free again after the next barrier.
template <int V>
__device__ __forceinline__ Floats<V> sum_over_y(Floats<V> v, Floats<V>* scratch) {
  const int self = threadIdx.y * blockDim.x + threadIdx.x;
  scratch[self] = v;
  for (int half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.y) < half) {
      for (int j = 0; j < V; j++) scratch[self].at[j] += scratch[self + half * blockDim.x].at[j];
    }
  }
  return scratch[self];
}

// ---- Rows: threads that share a row of a matrix --------------------------------------------
// A kernel over rows is written once, over a team: a few lanes of a warp for a short row, a whole
// block for a long one. All threads of the team's warps must call sum and max together.

// Block (lanes, 256 / lanes) with lanes a power of two up to 32: row blockIdx.x * blockDim.y +
// threadIdx.y belongs to the threads of one threadIdx.y.
struct LaneTeam {
  __device__ __forceinline__ int size() const { return blockDim.x; }
  __device__ __forceinline__ int rank() const { return threadIdx.x; }
  __device__ __forceinline__ i64 row() const { return static_cast<i64>(blockIdx.x) * blockDim.y + threadIdx.y; }
  __device__ __forceinline__ float sum(float v) const {
    for (int offset = blockDim.x / 2; offset > 0; offset /= 2) v += __shfl_xor_sync(ALL_LANES, v, offset);
    return v;
  }
  __device__ __forceinline__ float max(float v) const {
    for (int offset = blockDim.x / 2; offset > 0; offset /= 2) v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, offset));
    return v;
  }
};

// A block of THREADS, one dimension: row blockIdx.x. `scratch` as for block_sum.
template <int THREADS>
struct BlockTeam {
  float* scratch;
  __device__ __forceinline__ int size() const { return THREADS; }
  __device__ __forceinline__ int rank() const { return threadIdx.x; }
  __device__ __forceinline__ i64 row() const { return blockIdx.x; }
  __device__ __forceinline__ float sum(float v) const { return block_sum<THREADS>(v, scratch); }
  __device__ __forceinline__ float max(float v) const { return block_max<THREADS>(v, scratch); }
};

// A row's maximum and the sum of exp(x - maximum).
struct ExpSum {
  float max, sum;
};

// Both in one pass over the row (Milakov and Gimelshein, "Online normalizer calculation for
// softmax", 2018): each thread rescales its sum when it meets a larger maximum. Every thread of the
// team gets the result. Minus infinity adds nothing; NaN, an infinite maximum, or a row of nothing
// but minus infinity makes the sum NaN. classes must divide by V; 0 classes give a sum of NaN.
template <int V, class Team>
__device__ __forceinline__ ExpSum exp_sum(const Team& team, const float* x, int classes) {
  float max = NEGATIVE_INFINITY, sum = 0;
  for (int k = team.rank() * V; k < classes; k += team.size() * V) {
    Floats<V> v = load_floats<V>(x + k);
    for (int j = 0; j < V; j++) {
      if (v.at[j] > max) {
        sum = sum * expf(max - v.at[j]) + 1;
        max = v.at[j];
      } else if (!(v.at[j] == NEGATIVE_INFINITY)) {
        sum += expf(v.at[j] - max);
      }
    }
  }
  float whole = team.max(max);
  sum = team.sum(max == whole ? sum : sum * expf(max - whole));
  return {whole, sum + (whole - whole)};
}

// ---- Asynchronous copies from global to shared memory (sm_80; synchronous before) ---------

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
__device__ __forceinline__ u32 shared_address(const void* p) {
  return static_cast<u32>(__cvta_generic_to_shared(p));
}
#endif

// Copies 16 bytes, or writes 16 zero bytes if !valid (then `from` is not read). Both addresses
// must be multiples of 16. Goes round L1.
__device__ __forceinline__ void copy_async_16(void* to, const void* from, bool valid = true) {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_copy_async(to, from, 16, valid ? 16 : 0);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(valid ? 16 : 0) : "memory");
#else
  *static_cast<uint4*>(to) = valid ? *static_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
#endif
}

// Copies 4 bytes, or writes 4 zero bytes if !valid. Both addresses must be multiples of 4.
__device__ __forceinline__ void copy_async_4(void* to, const void* from, bool valid = true) {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_copy_async(to, from, 4, valid ? 4 : 0);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)), "l"(from), "r"(valid ? 4 : 0) : "memory");
#else
  *static_cast<u32*>(to) = valid ? *static_cast<const u32*>(from) : 0u;
#endif
}

// Closes a group of this thread's copies.
__device__ __forceinline__ void copy_async_commit() {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_copy_async_commit();
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most PENDING of this thread's newest groups are under way. Other threads see the
// copies only after a barrier.
template <int PENDING>
__device__ __forceinline__ void copy_async_wait() {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_copy_async_wait(PENDING);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#endif
}

// ---- bfloat16 and TF32 ---------------------------------------------------------------------

// A bfloat16 is kept as its 16 bits: the upper half of a float32.
typedef u16 bf16;

__device__ __forceinline__ float bf16_to_float(bf16 v) { return __int_as_float(static_cast<int>(v) << 16); }

// Nearest, ties to even; NaN stays NaN.
__device__ __forceinline__ bf16 float_to_bf16(float v) {
  u32 bits = static_cast<u32>(__float_as_int(v));
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<bf16>((bits >> 16) | 0x40u);
  return static_cast<bf16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// Two bfloat16 in a register, `low` in the lower half, as the tensor-core fragments want them.
__device__ __forceinline__ u32 pack_bf16(float low, float high) {
  return static_cast<u32>(float_to_bf16(low)) | (static_cast<u32>(float_to_bf16(high)) << 16);
}

// A float32 rounded to TF32 (10 bits of mantissa; nearest, ties away from zero), as a register.
__device__ __forceinline__ u32 to_tf32(float v) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  u32 r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(v));
  return r;
#else
  u32 bits = static_cast<u32>(__float_as_int(v));
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits;
  return (bits + 0x1000u) & 0xffffe000u;
#endif
}

// ---- Tensor cores (sm_80; on older ones these trap, and the host never picks such a kernel) ----
// Fragment layouts: PTX ISA, "Matrix fragments for mma.m16n8k8" (tf32) and "mma.m16n8k16" (bf16).
// All 32 lanes of a warp must call together.

// Four 8x8 matrices of 16-bit elements from shared memory; lane i gives the address of row i % 8 of
// matrix i / 8 (16 bytes, aligned to 16).
__device__ __forceinline__ void ldmatrix_x4(u32 (&r)[4], const void* row) {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_ldmatrix(r, 4, row, false);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
#else
  __trap();
#endif
}

// The same, each matrix transposed on the way.
__device__ __forceinline__ void ldmatrix_x4_trans(u32 (&r)[4], const void* row) {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_ldmatrix(r, 4, row, true);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
#else
  __trap();
#endif
}

// d += a * b: a 16x8, b 8x8, d 16x8, TF32 in, float32 accumulation.
__device__ __forceinline__ void mma_m16n8k8_tf32(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_mma_m16n8k8_tf32(d, a, b);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}

// d += a * b: a 16x16, b 16x8, d 16x8, bfloat16 in, float32 accumulation.
__device__ __forceinline__ void mma_m16n8k16_bf16(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if defined(GRIDSTRIDE_SIMULATOR)
  gridstride_sim_mma_m16n8k16_bf16(d, a, b);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}

// ---- Random numbers ------------------------------------------------------------------------

// Philox 4x32-10 (Salmon et al., SC 2011): word `word` of the block at counter (c0, c1) under key.
__device__ __forceinline__ u32 philox(u64 key, u64 c0, u64 c1, int word) {
  u32 x0 = static_cast<u32>(c0), x1 = static_cast<u32>(c0 >> 32);
  u32 x2 = static_cast<u32>(c1), x3 = static_cast<u32>(c1 >> 32);
  u32 k0 = static_cast<u32>(key), k1 = static_cast<u32>(key >> 32);
  for (int round = 0; round < 10; round++) {
    u64 p0 = static_cast<u64>(0xD2511F53u) * x0;
    u64 p1 = static_cast<u64>(0xCD9E8D57u) * x2;
    x0 = static_cast<u32>(p1 >> 32) ^ x1 ^ k0;
    x2 = static_cast<u32>(p0 >> 32) ^ x3 ^ k1;
    x1 = static_cast<u32>(p1);
    x3 = static_cast<u32>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return word == 0 ? x0 : word == 1 ? x1 : word == 2 ? x2 : x3;
}

// Uniform in [0, 1) from the top 24 bits of a random word.
__device__ __forceinline__ float uniform(u32 word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

// Uniform in 0 .. bound-1 from a random word: floor(word * bound / 2^32).
__device__ __forceinline__ int below(u32 word, int bound) {
  return static_cast<int>((static_cast<u64>(word) * static_cast<u64>(bound)) >> 32);
}

// Element i of the random permutation of 0 .. size-1 for this seed and epoch: a Feistel network of
// 8 Philox rounds over the smallest even number of bits that holds size, walked until in range.
__device__ __forceinline__ int permuted(u64 seed, u64 epoch, int size, int i) {
  int bits = size > 1 ? 32 - __clz(size - 1) : 0;
  int half = (bits + 1) / 2 > 1 ? (bits + 1) / 2 : 1;
  u32 mask = (1u << half) - 1;
  u64 x = static_cast<u64>(i);
  do {
    u32 left = static_cast<u32>(x >> half), right = static_cast<u32>(x) & mask;
    for (int round = 0; round < 8; round++) {
      u32 mixed = left ^ (philox(seed, right, epoch * 8 + round, 0) & mask);
      left = right;
      right = mixed;
    }
    x = (static_cast<u64>(left) << half) | right;
  } while (x >= static_cast<u64>(size));
  return static_cast<int>(x);
}
