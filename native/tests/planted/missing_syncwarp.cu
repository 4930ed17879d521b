// Lanes of a warp exchange through shared memory and count on running in step.
// expect: 719 missing __syncwarp or __syncthreads: race in static shared memory
// launch: grid 1, block 32; float y[32], float x[32], int n = 32
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[32];
  int i = threadIdx.x;
  tile[i] = x[i];
  for (int offset = n / 2; offset > 0; offset /= 2) {
    if (i < offset) tile[i] += tile[i + offset];
  }
  y[i] = tile[0];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[32];
  int i = threadIdx.x;
  tile[i] = x[i];
  __syncwarp();
  for (int offset = n / 2; offset > 0; offset /= 2) {
    if (i < offset) tile[i] += tile[i + offset];
    __syncwarp();
  }
  y[i] = tile[0];
}
