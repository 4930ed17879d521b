// Half of the threads wait at one barrier, half at another.
// expect: 719 divergent barrier
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  if (i < n / 2) {
    tile[i] = x[i];
    __syncthreads();
  } else {
    tile[i] = -x[i];
    __syncthreads();
  }
  y[i] = tile[n - 1 - i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  if (i < n / 2) {
    tile[i] = x[i];
  } else {
    tile[i] = -x[i];
  }
  __syncthreads();
  y[i] = tile[n - 1 - i];
}
