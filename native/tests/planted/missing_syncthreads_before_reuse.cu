// The second barrier of a loop over tiles is missing: the next tile is written while others read.
// expect: 719 missing __syncthreads: race in static shared memory
// expect: 719 missing __syncwarp or __syncthreads: race in static shared memory
// (the two threads that are seen first may be of one warp)
// line: 13 of missing_syncthreads_before_reuse.cu
// launch: grid 1, block 64; float y[64], float x[128], int n = 128
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  float sum = 0.0f;
  for (int start = 0; start < n; start += 64) {
    tile[threadIdx.x] = x[start + threadIdx.x];
    __syncthreads();
    for (int j = 0; j < 64; j++) sum += tile[j];
  }
  y[threadIdx.x] = sum;
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  float sum = 0.0f;
  for (int start = 0; start < n; start += 64) {
    tile[threadIdx.x] = x[start + threadIdx.x];
    __syncthreads();
    for (int j = 0; j < 64; j++) sum += tile[j];
    __syncthreads();
  }
  y[threadIdx.x] = sum;
}
