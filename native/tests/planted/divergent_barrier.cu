// A barrier that only some threads reach, since the others have returned.
// expect: 719 divergent barrier
// line: 12 of divergent_barrier.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 40
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  if (i >= n) return;
  tile[i] = x[i];
  __syncthreads();
  y[i] = tile[n - 1 - i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  if (i < n) tile[i] = x[i];
  __syncthreads();
  if (i < n) y[i] = tile[n - 1 - i];
}
