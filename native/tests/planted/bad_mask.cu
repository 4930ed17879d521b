// Lanes 16 to 31 shuffle with a mask that does not name them.
// expect: 719 warp instruction with a bad mask
// line: 8 of bad_mask.cu
// launch: grid 1, block 32; float y[32], float x[32], int n = 32
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  float v = __shfl_xor_sync(0x0000ffffu, x[threadIdx.x], 1);
  if (static_cast<int>(threadIdx.x) < n) y[threadIdx.x] = v;
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  float v = __shfl_xor_sync(ALL_LANES, x[threadIdx.x], 1);
  if (static_cast<int>(threadIdx.x) < n) y[threadIdx.x] = v;
}
