#include "gridstride.cuh"

template <typename T>
__device__ T twice(T v) {
  return v.twice();
}

extern "C" __global__ void scale(float* y, int n) {
  int i = threadIdx.x;
  if (i < n) y[i] = twice(y[i]);
}
