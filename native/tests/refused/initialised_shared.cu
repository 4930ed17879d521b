extern "C" __global__ void sum(float* y) {
  __shared__ float total = 0.0f;
  total += y[threadIdx.x];
}
