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

// INFINITY and NAN are macros of a host header that NVRTC does not have.
#define POSITIVE_INFINITY __int_as_float(0x7f800000)
#define NEGATIVE_INFINITY __int_as_float(0xff800000)
#define NOT_A_NUMBER __int_as_float(0x7fffffff)

constexpr int WARP = 32;
constexpr u32 ALL_LANES = 0xffffffffu;

template <typename T>
__host__ __device__ constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

// Division by a number that is not known when compiling, as a multiplication: for 0 <= n < 2^31 and
// 1 <= divisor < 2^31 (Granlund and Montgomery, PLDI 1994).
struct Divisor {
  int divisor;
  u32 multiplier;
  int shift;

  __device__ __forceinline__ explicit Divisor(int d) : divisor(d), shift(31 + (d > 1 ? 32 - __clz(d - 1) : 0)) { multiplier = static_cast<u32>(((u64(1) << shift) + d - 1) / d); }
  __device__ __forceinline__ int quotient(int n) const { return static_cast<int>(static_cast<u64>(n) * multiplier >> shift); }
  __device__ __forceinline__ int remainder(int n, int quotient) const { return n - quotient * divisor; }
};

// ---- Global memory -------------------------------------------------------------------------

// 16 bytes in one instruction. The address must be a multiple of 16.
__device__ __forceinline__ float4 load4(const float* p) { return *reinterpret_cast<const float4*>(p); }
__device__ __forceinline__ void store4(float* p, float4 v) { *reinterpret_cast<float4*>(p) = v; }

// Whether 128-bit loads and stores may begin here.
template <class... P>
__device__ __forceinline__ bool aligned16(const P*... p) {
  return ((reinterpret_cast<u64>(p) | ...) & 15) == 0;
}

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

// V ints, as Floats<V>.
template <int V>
__device__ __forceinline__ void load_ints(int (&to)[V], const int* p) {
  if constexpr (V == 4) {
    int4 v = *reinterpret_cast<const int4*>(p);
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
  } else {
    to[0] = *p;
  }
}

template <int V>
__device__ __forceinline__ void store_ints(int* p, const int (&from)[V]) {
  if constexpr (V == 4) {
    *reinterpret_cast<int4*>(p) = make_int4(from[0], from[1], from[2], from[3]);
  } else {
    *p = from[0];
  }
}

template <int V>
__device__ __forceinline__ Floats<V> same_floats(float value) {
  Floats<V> r;
  for (int j = 0; j < V; j++) r.at[j] = value;
  return r;
}

// Up to four elements from p on, of which `left` are there (1 or more); zeros beyond. One instruction
// where four are left and p is a multiple of 16, as in all but the last thread of an aligned tensor.
__device__ __forceinline__ float4 load4_ragged(const float* p, i64 left) {
  if (left >= 4 && (reinterpret_cast<u64>(p) & 15) == 0) return load4(p);
  return make_float4(p[0], left > 1 ? p[1] : 0.0f, left > 2 ? p[2] : 0.0f, left > 3 ? p[3] : 0.0f);
}

// The same for a store; what is beyond is not touched.
__device__ __forceinline__ void store4_ragged(float* p, float4 v, i64 left) {
  if (left >= 4 && (reinterpret_cast<u64>(p) & 15) == 0) {
    store4(p, v);
    return;
  }
  p[0] = v.x;
  if (left > 1) p[1] = v.y;
  if (left > 2) p[2] = v.z;
  if (left > 3) p[3] = v.w;
}

// Number of this thread in a grid of one dimension.
__device__ __forceinline__ i64 thread_number() { return static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; }

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

// ---- Matrix products by register-blocked tiles ---------------------------------------------
// A block computes ROWS x COLS elements of c = a b, one slice of DEPTH along k at a time; the slices
// of a and b lie in shared memory with k outermost. For each k a thread reads THREAD_ROWS +
// THREAD_COLS floats in 128-bit loads and does THREAD_ROWS * THREAD_COLS multiply-adds from
// registers. While it computes on one slice, the next is on its way from global memory in registers,
// and is put into a second buffer afterwards: one barrier a slice.
template <int ROWS_, int COLS_, int DEPTH_, int THREAD_ROWS_, int THREAD_COLS_>
struct Tile {
  static constexpr int ROWS = ROWS_, COLS = COLS_, DEPTH = DEPTH_;
  static constexpr int THREAD_ROWS = THREAD_ROWS_, THREAD_COLS = THREAD_COLS_;
  static constexpr int THREADS = ROWS / THREAD_ROWS * (COLS / THREAD_COLS);
  // Shared memory: two buffers of a slice each, and the sums of a's rows.
  static constexpr int BUFFER = (ROWS + COLS) * DEPTH, FLOATS = 2 * BUFFER + ROWS;
  // A thread has patches of 4x4, spread evenly over the tile; a warp stands 4 threads high and 8
  // wide. So a warp's load of a takes 64 neighbouring bytes, one of b 128: no bank twice.
  static constexpr int PATCH_ROWS = ROWS / (THREAD_ROWS / 4), PATCH_COLS = COLS / (THREAD_COLS / 4);
  static constexpr int WARPS_WIDE = PATCH_COLS / 32;
  static_assert(PATCH_ROWS % 32 == 0 && PATCH_COLS % 32 == 0, "patches keep clear of the swizzle");

  // Row and column of the thread's element (i, j).
  static __device__ __forceinline__ int row(int i = 0) {
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    return warp / WARPS_WIDE * 16 + lane / 8 * 4 + i / 4 * PATCH_ROWS + i % 4;
  }
  static __device__ __forceinline__ int col(int j = 0) {
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    return warp % WARPS_WIDE * 32 + lane % 8 * 4 + j / 4 * PATCH_COLS + j % 4;
  }
};

// In a slice element (k, row) lies at k * LENGTH + (row ^ swizzle<DEPTH>(k)). Reads take 4 rows of
// one k and do not mind; writes that come along k (4 k of a row from each thread, DEPTH / 4 threads
// beside each other) would else hit the same bank with all k of a row.
template <int DEPTH>
__host__ __device__ constexpr int swizzle(int k) {
  return k / 4 * (128 / DEPTH);
}

// How THREADS threads share the quads (4 neighbouring floats of global memory) of a slice: COUNT
// each, STEP apart. ALONG_K: a quad is 4 k of one row, as of a row-major a; else 4 rows of one k.
template <int LENGTH_, int DEPTH_, int THREADS, bool ALONG_K_>
struct Quads {
  static constexpr int LENGTH = LENGTH_, DEPTH = DEPTH_;
  static constexpr bool ALONG_K = ALONG_K_;
  static constexpr int COUNT = LENGTH * DEPTH / 4 / THREADS;
  static constexpr int STEP = 4 * THREADS / (ALONG_K ? DEPTH : LENGTH);
  static_assert(COUNT * 4 * THREADS == LENGTH * DEPTH, "threads must share a slice evenly");

  // Of this thread's first quad; the others follow in steps of STEP rows (ALONG_K), or of STEP k.
  static __device__ __forceinline__ int row() {
    return ALONG_K ? threadIdx.x / (DEPTH / 4) : threadIdx.x % (LENGTH / 4) * 4;
  }
  static __device__ __forceinline__ int k() {
    return ALONG_K ? threadIdx.x % (DEPTH / 4) * 4 : threadIdx.x / (LENGTH / 4);
  }

  static __device__ __forceinline__ void store(float* slice, const Floats<4> (&quads)[COUNT]) {
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      if constexpr (ALONG_K) {
        float* to = slice + k() * LENGTH + ((row() + i * STEP) ^ swizzle<DEPTH>(k()));
        for (int j = 0; j < 4; j++) to[j * LENGTH] = quads[i].at[j];
      } else {
        int at_k = k() + i * STEP;
        store_floats<4>(slice + at_k * LENGTH + (row() ^ swizzle<DEPTH>(at_k)), quads[i]);
      }
    }
  }
};

// The first `count` (any number) of 4 floats, and zeros. With `whole`, p is a multiple of 16 and
// count never 1 to 3.
__device__ __forceinline__ Floats<4> load_quad(const float* p, int count, bool whole) {
  Floats<4> v = same_floats<4>(0);
  if (whole) {
    if (count > 0) v = load_floats<4>(p);
  } else {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (j < count) v.at[j] = p[j];
    }
  }
  return v;
}

// An operand of a product: a matrix in memory, element (row, k) at p[row * pitch + k] if
// Q::ALONG_K, else at p[k * pitch + row]. Each fetch reads the thread's quads of the next slice;
// outside rows and k_end it gives zeros. Other operands have the same two members.
template <class Q>
struct MatrixOperand {
  typedef Q Shared;
  const float* p;
  int pitch;
  int rows, k;  // left from the thread's first quad on
  bool whole;

  __device__ __forceinline__ MatrixOperand(const float* from, int pitch_, int first_row, int end_row, int k_begin, int k_end)
      : pitch(pitch_), rows(end_row - first_row - Q::row()), k(k_end - k_begin - Q::k()) {
    const i64 row = first_row + Q::row(), at_k = k_begin + Q::k();
    p = from + (Q::ALONG_K ? row * pitch + at_k : at_k * pitch + row);
    // Then every quad is aligned, and whole or outside: the end along the quad is a multiple of 4.
    whole = pitch % 4 == 0 && (Q::ALONG_K ? k_end : end_row) % 4 == 0 && aligned16(from);
  }

  __device__ __forceinline__ void fetch(Floats<4> (&quads)[Q::COUNT]) {
#pragma unroll
    for (int i = 0; i < Q::COUNT; i++) {
      int count = Q::ALONG_K ? (i * Q::STEP < rows ? k : 0) : (i * Q::STEP < k ? rows : 0);
      quads[i] = load_quad(p + i * Q::STEP * static_cast<i64>(pitch), count, whole);
    }
    p += Q::ALONG_K ? Q::DEPTH : Q::DEPTH * static_cast<i64>(pitch);
    k -= Q::DEPTH;
  }
};

// c += the products of one slice of a and b.
template <class T>
__device__ __forceinline__ void multiply_slices(float (&c)[T::THREAD_ROWS][T::THREAD_COLS], const float* a, const float* b) {
  const int row = T::row(), col = T::col();
#pragma unroll
  for (int k = 0; k < T::DEPTH; k++) {
    Floats<4> rows[T::THREAD_ROWS / 4], cols[T::THREAD_COLS / 4];
#pragma unroll
    for (int i = 0; i < T::THREAD_ROWS / 4; i++) rows[i] = load_floats<4>(a + k * T::ROWS + i * T::PATCH_ROWS + (row ^ swizzle<T::DEPTH>(k)));
#pragma unroll
    for (int j = 0; j < T::THREAD_COLS / 4; j++) cols[j] = load_floats<4>(b + k * T::COLS + j * T::PATCH_COLS + (col ^ swizzle<T::DEPTH>(k)));
#pragma unroll
    for (int i = 0; i < T::THREAD_ROWS; i++) {
#pragma unroll
      for (int j = 0; j < T::THREAD_COLS; j++) c[i][j] += rows[i / 4].at[i % 4] * cols[j / 4].at[j % 4];
    }
  }
}

// The sum of row threadIdx.x of a, when `multiply` was asked for it.
template <class T>
__device__ __forceinline__ float& row_sum(float* shared) {
  return shared[2 * T::BUFFER + threadIdx.x];
}

// The product of so many slices. `shared` holds T::FLOATS, aligned to 16. With `with_sums`, thread
// t < ROWS also sums row t of a, into row_sum<T>(shared): a column of ones behind b, for the price of
// a few adds.
template <class T, class A, class B>
__device__ __forceinline__ void multiply(float (&c)[T::THREAD_ROWS][T::THREAD_COLS], bool with_sums, A a, B b, int slices, float* shared) {
  constexpr int B_OFFSET = T::ROWS * T::DEPTH;
  typedef typename A::Shared AQuads;
  typedef typename B::Shared BQuads;
  Floats<4> next_a[AQuads::COUNT], next_b[BQuads::COUNT];
  for (int i = 0; i < T::THREAD_ROWS; i++) {
    for (int j = 0; j < T::THREAD_COLS; j++) c[i][j] = 0;
  }
  if (with_sums && threadIdx.x < T::ROWS) row_sum<T>(shared) = 0;
  if (slices == 0) return;
  a.fetch(next_a);
  b.fetch(next_b);
  AQuads::store(shared, next_a);
  BQuads::store(shared + B_OFFSET, next_b);
  __syncthreads();
#pragma unroll 1
  for (int slice = 0; slice < slices; slice++) {
    const float* now = shared + slice % 2 * T::BUFFER;
    const bool more = slice + 1 < slices;
    if (more) {
      a.fetch(next_a);
      b.fetch(next_b);
    }
    multiply_slices<T>(c, now, now + B_OFFSET);
    if (with_sums && threadIdx.x < T::ROWS) {
      float& sum = row_sum<T>(shared);
#pragma unroll 1
      for (int k = 0; k < T::DEPTH; k++) sum += now[k * T::ROWS + (threadIdx.x ^ swizzle<T::DEPTH>(k))];
    }
    if (more) {  // the other buffer was read before the last barrier
      float* other = shared + (slice + 1) % 2 * T::BUFFER;
      AQuads::store(other, next_a);
      BQuads::store(other + B_OFFSET, next_b);
    }
    __syncthreads();
  }
}

// Writes the thread's part of a tile that begins at (first_row, first_col) of a matrix of rows x
// cols: act(c + bias[col]) to to(row)[col]. `bias` may be null.
template <class T, class To>
__device__ __forceinline__ void store_tile(const float (&c)[T::THREAD_ROWS][T::THREAD_COLS], int first_row, int first_col, int rows, int cols, const float* bias, bool relu, bool whole, To to) {
#pragma unroll
  for (int j = 0; j < T::THREAD_COLS; j += 4) {
    const int col = first_col + T::col(j);
    const int count = cols - col;
    if (count <= 0) continue;
    Floats<4> b = same_floats<4>(0);
    if (bias != nullptr) b = load_quad(bias + col, count, false);
#pragma unroll
    for (int i = 0; i < T::THREAD_ROWS; i++) {
      const int row = first_row + T::row(i);
      if (row >= rows) continue;
      Floats<4> v;
      for (int l = 0; l < 4; l++) {
        v.at[l] = c[i][j + l] + b.at[l];
        if (relu && v.at[l] < 0) v.at[l] = 0;  // keeps NaN
      }
      float* y = to(row) + col;
      if (whole) {
        store_floats<4>(y, v);
      } else {
#pragma unroll
        for (int l = 0; l < 4; l++) {
          if (l < count) y[l] = v.at[l];
        }
      }
    }
  }
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

// The two of such a register.
__device__ __forceinline__ float low_bf16(u32 pair) { return bf16_to_float(static_cast<bf16>(pair & 0xffffu)); }
__device__ __forceinline__ float high_bf16(u32 pair) { return bf16_to_float(static_cast<bf16>(pair >> 16)); }

// A float32 rounded to TF32 (10 bits of mantissa; nearest, ties away from zero), as a register.
__device__ __forceinline__ u32 to_tf32(float v) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  u32 r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(v));
  return r;
#else
  u32 bits = static_cast<u32>(__float_as_int(v));
  if ((bits & 0x7fffffffu) > 0x7f800000u) return bits | 0x400000u;  // NaN stays NaN
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

// ---- Products of tiles on tensor cores: what matmul_tensor.cu and conv2d_tensor.cu share ----------
// T is float (multiplied as TF32) or bf16. A tile of an operand lies in shared memory either with k
// along its rows ([m or n][k], 64 bytes a row) or with k across them ([k][m or n], 128 or 256 bytes).

namespace tensor {

template <typename T>
constexpr int CHUNK = 16 / sizeof(T);  // elements of one 16-byte copy
template <typename T>
constexpr int TILE_K = 64 / sizeof(T);  // k of one stage: 16 floats or 32 bf16
template <typename T>
constexpr int MMA_K = 32 / sizeof(T);  // k of one mma: 8 floats or 16 bf16

// Where element (row, column) of a tile of COLUMNS columns lies. The 16-byte chunks of a row are
// swapped with one another (XOR with bits of the row number) so that neither the copies in nor the
// fragment loads meet a bank twice:
//   k along: two rows fill the 32 banks; eight rows at one chunk (ldmatrix) take the eight chunks.
//   k across, bf16: a row fills the banks at least once; eight rows at one chunk (ldmatrix) differ.
//   k across, float: a warp loads 4 rows x 8 columns word by word; the rows differ by 8 banks.
template <typename T, bool K_ALONG, int COLUMNS>
__device__ __forceinline__ int tile_index(int row, int column) {
  int chunk = column / CHUNK<T>;
  if constexpr (K_ALONG) {
    static_assert(COLUMNS == TILE_K<T>, "64 bytes a row");
    chunk ^= row / 2 % 4;
  } else if constexpr (sizeof(T) == 2) {
    chunk ^= row % 8;
  } else {
    chunk ^= row % 4 * 2;
  }
  return row * COLUMNS + chunk * CHUNK<T> + column % CHUNK<T>;
}

// Copies rows row0.. and columns column0.. of an operand to a tile, without waiting. The operand
// gives `chunked` (the 16-byte chunks of its rows are aligned, and wholly inside or outside),
// `column(c)` (what all rows share at column c) and `at(row, column)` (an address, or null for a
// zero). Not chunked: float by 4-byte copies, bf16 by plain loads.
template <typename T, bool K_ALONG, int ROWS, int COLUMNS, int THREADS, typename Operand>
__device__ __forceinline__ void copy_tile(T* tile, const Operand& operand, int row0, int column0) {
  const int thread = static_cast<int>(threadIdx.x);
  if (operand.chunked) {
    constexpr int ACROSS = COLUMNS / CHUNK<T>, DOWN = THREADS / ACROSS;
    static_assert(THREADS % ACROSS == 0 && ROWS % DOWN == 0, "every thread copies the same number");
    static_assert(DOWN % 8 == 0, "the swap of chunks is the same in all rows of a thread");
    const int c = thread % ACROSS * CHUNK<T>, row = thread / ACROSS;
    const auto column = operand.column(column0 + c);
    T* to = &tile[tile_index<T, K_ALONG, COLUMNS>(row, c)];
#pragma unroll
    for (int r = 0; r < ROWS; r += DOWN) {
      const T* from = operand.at(row0 + row + r, column);
      copy_async_16(to + r * COLUMNS, from, from != nullptr);
    }
  } else {
    static_assert(THREADS % COLUMNS == 0 || COLUMNS % THREADS == 0, "a thread stays in its columns");
    for (int c = thread % COLUMNS; c < COLUMNS; c += THREADS) {
      const auto column = operand.column(column0 + c);
      for (int row = thread / COLUMNS; row < ROWS; row += THREADS / COLUMNS > 0 ? THREADS / COLUMNS : 1) {
        const T* from = operand.at(row0 + row, column);
        T* to = &tile[tile_index<T, K_ALONG, COLUMNS>(row, c)];
        if constexpr (sizeof(T) == 4) {
          copy_async_4(to, from, from != nullptr);
        } else {
          *to = from != nullptr ? *from : T(0);
        }
      }
    }
  }
}

// A row-major matrix as an operand: rows x columns, a row `pitch` elements after the last.
template <typename T>
struct Matrix {
  const T* p;
  int rows, columns;
  i64 pitch;
  bool chunked;

  __device__ __forceinline__ Matrix(const T* p, int rows, int columns, int pitch) : p(p), rows(rows), columns(columns), pitch(pitch), chunked(reinterpret_cast<u64>(p) % 16 == 0 && columns % CHUNK<T> == 0 && pitch % CHUNK<T> == 0) {}
  __device__ __forceinline__ int column(int c) const { return c; }
  __device__ __forceinline__ const T* at(int row, int c) const { return row < rows && c < columns ? p + row * pitch + c : nullptr; }
};

// From a place in a tile to the place mn rows or columns and k further: what XOR does to the chunks
// survives, so that a fragment costs at most one more XOR. mn and k are multiples of what one
// fragment spans, and below the power of two that the first place is a multiple of.
template <bool K_ALONG, int COLUMNS>
__device__ __forceinline__ int tile_step(int place, int mn, int k) {
  return K_ALONG ? (place ^ k) + mn * COLUMNS : (place ^ mn) + k * COLUMNS;
}

// This lane's place in the 16 x MMA_K fragment of A at row m and k = 0.
template <typename T, bool K_ALONG, int COLUMNS>
__device__ __forceinline__ int a_place(int m) {
  const int lane = static_cast<int>(threadIdx.x) % WARP;
  if constexpr (K_ALONG) {  // a row of an 8x8 matrix of 16 bits is also a row of four floats
    return tile_index<T, true, COLUMNS>(m + lane % 16, lane / 16 * CHUNK<T>);
  } else if constexpr (sizeof(T) == 2) {
    return tile_index<T, false, COLUMNS>(lane / 16 * 8 + lane % 8, m + lane / 8 % 2 * 8);
  } else {
    return tile_index<T, false, COLUMNS>(lane % 4, m + lane / 4);
  }
}

// This lane's place in the MMA_K x 8 fragments of B at columns n and n + 8 and k = 0.
template <typename T, bool K_ALONG, int COLUMNS>
__device__ __forceinline__ int b_place(int n) {
  const int lane = static_cast<int>(threadIdx.x) % WARP;
  if constexpr (K_ALONG) {
    return tile_index<T, true, COLUMNS>(n + lane / 16 * 8 + lane % 8, lane / 8 % 2 * CHUNK<T>);
  } else if constexpr (sizeof(T) == 2) {
    return tile_index<T, false, COLUMNS>(lane % 16, n + lane / 16 * 8);
  } else {
    return tile_index<T, false, COLUMNS>(lane % 4, n + lane / 4);
  }
}

// Loads the fragment of A, or the two of B, whose place this is; floats are rounded to TF32.
template <typename T, bool K_ALONG, int COLUMNS, bool IS_A>
__device__ __forceinline__ void load_fragment(u32 (&r)[4], const T* tile, int place) {
  if constexpr (K_ALONG) {
    ldmatrix_x4(r, tile + place);
  } else if constexpr (sizeof(T) == 2) {
    ldmatrix_x4_trans(r, tile + place);
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++) {  // A: both halves of m, then of k; B: both halves of k, then n + 8
      const int mn = IS_A ? i % 2 * 8 : i / 2 * 8, k = IS_A ? i / 2 * 4 : i % 2 * 4;
      r[i] = static_cast<u32>(__float_as_int(tile[tile_step<false, COLUMNS>(place, mn, k)]));
    }
  }
  if constexpr (sizeof(T) == 4) {
#pragma unroll
    for (int i = 0; i < 4; i++) r[i] = to_tf32(__int_as_float(static_cast<int>(r[i])));
  }
}

// The BM x BN part of A * B at (m0, n0): each warp has WM x WN of it as accumulators of 16 x 8, the
// copies run STAGES - 1 stages of k ahead. THREADS threads, one dimension. A and B are operands as
// copy_tile wants them, with k along their rows (A_ALONG, B_ALONG) or across them.
template <typename T, bool A_ALONG, bool B_ALONG, int BM, int BN, int WM, int WN, int STAGES>
struct Product {
  static constexpr int BK = TILE_K<T>;
  static constexpr int THREADS = BM / WM * (BN / WN) * WARP;
  static constexpr int A_COLUMNS = A_ALONG ? BK : BM, B_COLUMNS = B_ALONG ? BK : BN;
  float sum[WM / 16][WN / 8][4] = {};

  // This warp's place in the part.
  static __device__ __forceinline__ int warp_m() { return static_cast<int>(threadIdx.x) / WARP / (BN / WN) * WM; }
  static __device__ __forceinline__ int warp_n() { return static_cast<int>(threadIdx.x) / WARP % (BN / WN) * WN; }

  // Where part `i` of `parts` equal parts of k begins, in whole stages; part `parts` is the end.
  static __device__ __forceinline__ int part(int k, u32 i, u32 parts) {
    return min(k, static_cast<int>(static_cast<i64>(ceil_div(k, BK)) * i / parts) * BK);
  }

  // Adds the products for k0 <= k < k1; k0 is a multiple of BK, and k1 is one or the operands' end.
  template <typename A, typename B>
  __device__ __forceinline__ void add(const A& a, const B& b, int m0, int n0, int k0, int k1) {
    __shared__ float4 a_tiles[STAGES][BM * 4];  // 64 bytes for each row of A and column of B
    __shared__ float4 b_tiles[STAGES][BN * 4];
    const int steps = ceil_div(k1 - k0, BK);
    const int a_at = a_place<T, A_ALONG, A_COLUMNS>(warp_m()), b_at = b_place<T, B_ALONG, B_COLUMNS>(warp_n());
    auto copy = [&](int step) {
      T* a_tile = reinterpret_cast<T*>(a_tiles[step % STAGES]);
      T* b_tile = reinterpret_cast<T*>(b_tiles[step % STAGES]);
      const int k = k0 + step * BK;
      copy_tile<T, A_ALONG, A_ALONG ? BM : BK, A_COLUMNS, THREADS>(a_tile, a, A_ALONG ? m0 : k, A_ALONG ? k : m0);
      copy_tile<T, B_ALONG, B_ALONG ? BN : BK, B_COLUMNS, THREADS>(b_tile, b, B_ALONG ? n0 : k, B_ALONG ? k : n0);
    };
    for (int step = 0; step < STAGES - 1; step++) {
      if (step < steps) copy(step);
      copy_async_commit();
    }
#pragma unroll 1
    for (int step = 0; step < steps; step++) {
      copy_async_wait<STAGES - 2>();
      __syncthreads();  // this stage is there for all, and all have done with the one before
      if (step + STAGES - 1 < steps) copy(step + STAGES - 1);
      copy_async_commit();  // an empty group at the end keeps the count
      add_stage(reinterpret_cast<const T*>(a_tiles[step % STAGES]), reinterpret_cast<const T*>(b_tiles[step % STAGES]), a_at, b_at);
    }
  }

  __device__ __forceinline__ void add_stage(const T* a_tile, const T* b_tile, int a_at, int b_at) {
#pragma unroll
    for (int k = 0; k < BK; k += MMA_K<T>) {
      u32 a[WM / 16][4];
#pragma unroll
      for (int i = 0; i < WM / 16; i++) {
        load_fragment<T, A_ALONG, A_COLUMNS, true>(a[i], a_tile, tile_step<A_ALONG, A_COLUMNS>(a_at, i * 16, k));
      }
#pragma unroll
      for (int j = 0; j < WN / 8; j += 2) {
        u32 b[4];
        load_fragment<T, B_ALONG, B_COLUMNS, false>(b, b_tile, tile_step<B_ALONG, B_COLUMNS>(b_at, j * 8, k));
        const u32 b0[2] = {b[0], b[1]}, b1[2] = {b[2], b[3]};
#pragma unroll
        for (int i = 0; i < WM / 16; i++) {
          if constexpr (sizeof(T) == 2) {
            mma_m16n8k16_bf16(sum[i][j], a[i], b0);
            mma_m16n8k16_bf16(sum[i][j + 1], a[i], b1);
          } else {
            mma_m16n8k8_tf32(sum[i][j], a[i], b0);
            mma_m16n8k8_tf32(sum[i][j + 1], a[i], b1);
          }
        }
      }
    }
  }

  // Writes the part to rows m0.. and columns n0.. of the result, below `rows` and `columns`, a row
  // `pitch` after the last: act(sum + bias[column]) to y, y_bf16 or both (null: not wanted; a bias of
  // null is none). A quad of lanes writes 32 bytes of float32, a whole sector, or 16 bytes of bf16.
  __device__ __forceinline__ void store(float* y, bf16* y_bf16, const float* bias, bool relu, int m0, int n0, int rows, int columns, i64 pitch) const {
    const int lane = static_cast<int>(threadIdx.x) % WARP;
    const bool pairs = pitch % 2 == 0 && columns % 2 == 0 && reinterpret_cast<u64>(y) % 8 == 0 && reinterpret_cast<u64>(y_bf16) % 4 == 0;
#pragma unroll
    for (int j = 0; j < WN / 8; j++) {
      const int column = n0 + warp_n() + j * 8 + lane % 4 * 2;
      const float bias0 = bias != nullptr && column < columns ? bias[column] : 0.0f;
      const float bias1 = bias != nullptr && column + 1 < columns ? bias[column + 1] : 0.0f;
#pragma unroll
      for (int i = 0; i < WM / 16 * 2; i++) {
        const int row = m0 + warp_m() + i * 8 + lane / 4;
        if (row >= rows || column >= columns) continue;
        float v0 = sum[i / 2][j][i % 2 * 2] + bias0, v1 = sum[i / 2][j][i % 2 * 2 + 1] + bias1;
        if (relu) v0 = v0 < 0.0f ? 0.0f : v0, v1 = v1 < 0.0f ? 0.0f : v1;
        const i64 at = row * pitch + column;
        if (pairs) {
          if (y != nullptr) *reinterpret_cast<float2*>(&y[at]) = make_float2(v0, v1);
          if (y_bf16 != nullptr) *reinterpret_cast<u32*>(&y_bf16[at]) = pack_bf16(v0, v1);
        } else {
          const bool second = column + 1 < columns;
          if (y != nullptr) y[at] = v0;
          if (y != nullptr && second) y[at + 1] = v1;
          if (y_bf16 != nullptr) y_bf16[at] = float_to_bf16(v0);
          if (y_bf16 != nullptr && second) y_bf16[at + 1] = float_to_bf16(v1);
        }
      }
    }
  }
};

}  // namespace tensor

// ---- Random numbers ------------------------------------------------------------------------

// Philox 4x32-10 (Salmon et al., SC 2011): the four words at counter (c0, c1) under key.
__device__ __forceinline__ uint4 philox4(u64 key, u64 c0, u64 c1) {
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
  return make_uint4(x0, x1, x2, x3);
}

// Word `word` of that block.
__device__ __forceinline__ u32 philox(u64 key, u64 c0, u64 c1, int word) {
  uint4 block = philox4(key, c0, c1);
  return word == 0 ? block.x : word == 1 ? block.y : word == 2 ? block.z : block.w;
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
