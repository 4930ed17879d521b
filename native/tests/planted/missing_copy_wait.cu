// A barrier alone does not wait for asynchronous copies.
// expect: 719 missing wait for an asynchronous copy
// line: 13 of missing_copy_wait.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  copy_async_4(&tile[i], &x[i]);
  copy_async_commit();
  __syncthreads();
  y[i] = tile[n - 1 - i];
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  copy_async_4(&tile[i], &x[i]);
  copy_async_commit();
  copy_async_wait<0>();
  __syncthreads();
  y[i] = tile[n - 1 - i];
}
