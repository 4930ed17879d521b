// A reversed index runs past the tile.
// expect: 700 array index out of bounds
// line: 12 of out_of_bounds_static_shared.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  tile[i] = x[i];
  __syncthreads();
  y[i] = tile[n - i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  tile[i] = x[i];
  __syncthreads();
  y[i] = tile[n - 1 - i];
}
