// Only half of the tile is filled.
// expect: 719 read of unset shared memory
// line: 12 of unset_shared.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  if (i < n / 2) tile[i] = x[i];
  __syncthreads();
  y[i] = tile[n - 1 - i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  tile[i] = i < n / 2 ? x[i] : 0.0f;
  __syncthreads();
  y[i] = tile[n - 1 - i];
}
