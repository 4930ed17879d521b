// Each thread waits for its own copies only; those of others are seen after a barrier.
// expect: 719 missing __syncthreads: race in static shared memory
// expect: 719 missing wait for an asynchronous copy
// (the copy may not have been waited for by its own thread yet)
// line: 15 of missing_barrier_after_copy.cu
// launch: grid 1, block 64; float y[64], float x[64], int n = 64
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  copy_async_4(&tile[i], &x[i]);
  copy_async_commit();
  copy_async_wait<0>();
  y[i] = i >= n / 2 ? tile[i - n / 2] : 0.0f;
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  copy_async_4(&tile[i], &x[i]);
  copy_async_commit();
  copy_async_wait<0>();
  __syncthreads();
  y[i] = i >= n / 2 ? tile[i - n / 2] : 0.0f;
}
