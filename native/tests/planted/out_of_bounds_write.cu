// The guard of the ragged edge is off by one.
// expect: 700 out-of-bounds write of global memory
// line: 9 of out_of_bounds_write.cu
// launch: grid 2, block 64; float y[100], float x[100], int n = 100
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= n) y[i] = x[0];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[0];
}
