// A tile is read before all of it has been written.
// expect: 719 missing __syncthreads: race in static shared memory
// line: 11 of missing_syncthreads.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  tile[i] = x[i];
  y[i] = i >= n / 2 ? tile[i - n / 2] : 0.0f;
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  tile[i] = x[i];
  __syncthreads();
  y[i] = i >= n / 2 ? tile[i - n / 2] : 0.0f;
}
