// Threads beyond the edge return before the sum over the warp.
// expect: 719 warp instruction after an early exit
// line: 8 of early_exit.cu
// launch: grid 1, block 32; float y[32], float x[32], int n = 20
#include "gridstride.cuh"

__device__ __noinline__ float sum(float v) {
  for (int offset = 16; offset > 0; offset /= 2) v += __shfl_xor_sync(ALL_LANES, v, offset);
  return v;
}

extern "C" __global__ void planted(float* y, const float* x, int n) {
  int i = threadIdx.x;
  if (i >= n) return;
  y[i] = sum(x[i]);
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  int i = threadIdx.x;
  float total = sum(i < n ? x[i] : 0.0f);
  if (i < n) y[i] = total;
}
