__global__ void clear(float* y) { y[threadIdx.x] = 0.0f; }

void run(float* y) {
  clear<<<1, 32>>>(y);
}
