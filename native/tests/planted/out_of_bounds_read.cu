// Each thread reads its right neighbour; the last one has none.
// expect: 700 out-of-bounds read of global memory
// line: 9 of out_of_bounds_read.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i + 1] - x[i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = (i + 1 < n ? x[i + 1] : 0.0f) - x[i];
}
