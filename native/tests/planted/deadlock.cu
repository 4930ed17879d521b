// Lane 0 waits for its warp, the warp waits for lane 0 at the block's barrier.
// expect: 719 deadlock
// launch: grid 1, block 32; float y[32], float x[32], int n = 32
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  if (threadIdx.x == 0) {
    __syncwarp();
  }
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < n) y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __syncwarp();
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < n) y[threadIdx.x] = x[threadIdx.x];
}
