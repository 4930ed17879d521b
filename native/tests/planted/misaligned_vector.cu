// Four floats at once from an odd start.
// expect: 716 misaligned address
// line: 10 of misaligned_vector.cu
// launch: grid 1, block 8; float y[64], float x[64], int n = 7
#include "gridstride.cuh"

extern "C" __global__ void planted(float* y, const float* x, int n) {
  int i = threadIdx.x;
  if (i < n) {
    float4 v = *reinterpret_cast<const float4*>(x + 4 * i + 1);
    y[i] = v.x + v.y + v.z + v.w;
  }
}

extern "C" __global__ void correct(float* y, const float* x, int n) {
  int i = threadIdx.x;
  if (i < n) {
    float4 v = *reinterpret_cast<const float4*>(x + 4 * i);
    y[i] = v.x + v.y + v.z + v.w;
  }
}
