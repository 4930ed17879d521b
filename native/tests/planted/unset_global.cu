// Adds to an output that nobody has cleared.
// expect: 719 read of unset global memory
// line: 9 of unset_global.cu
// launch: grid 1, block 64; unset float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  int i = threadIdx.x;
  if (i < n) y[i] += x[i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  int i = threadIdx.x;
  if (i < n) y[i] = x[i];
}
