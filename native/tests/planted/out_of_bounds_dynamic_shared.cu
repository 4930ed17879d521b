// The launch gives one float a thread, the kernel uses one more.
// expect: 700 out-of-bounds write of dynamic shared memory
// line: 10 of out_of_bounds_dynamic_shared.cu
// launch: grid 1, block 64, shared 256; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  extern __shared__ float tile[];
  int i = threadIdx.x;
  tile[i + 1] = x[i];
  __syncthreads();
  y[i] = tile[n - i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  extern __shared__ float tile[];
  int i = threadIdx.x;
  tile[i] = x[i];
  __syncthreads();
  y[i] = tile[n - 1 - i];
}
