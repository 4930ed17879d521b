// Through a pointer only the end of all shared memory can be seen.
// expect: 700 out-of-bounds write of static shared memory
// line: 11 of out_of_bounds_static_shared_pointer.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

__shared__ float tile[32 * 64];

// 64 rows of 64 where there are 32.
__device__ __noinline__ void store(float* rows, int i, float v) {
  rows[i * 64] = v;
}

extern "C" __global__ void planted(float* y, const float* x, int n) {
  int i = threadIdx.x;
  store(tile, i, x[i]);
  __syncthreads();
  y[i] = tile[0] + static_cast<float>(n);
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  int i = threadIdx.x;
  if (i < 32) store(tile, i, x[i]);
  __syncthreads();
  y[i] = tile[0] + static_cast<float>(n);
}
