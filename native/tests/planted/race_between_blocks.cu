// All blocks add to one sum without an atomic operation.
// expect: 719 race between blocks
// line: 8 of race_between_blocks.cu
// launch: grid 4, block 32; int y[1], int x[128], int n = 128
#include "gridstride.cuh"

extern "C" __global__ void planted(int* y, const int* x, int n) {
  if (threadIdx.x == 0) y[0] = x[blockIdx.x * blockDim.x % n];
}

extern "C" __global__ void correct(int* y, const int* x, int n) {
  if (threadIdx.x == 0) atomicMax(y, x[blockIdx.x * blockDim.x % n]);
}
