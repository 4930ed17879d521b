// Kernels for the tests of the launch layer.
#include "gridstride.cuh"

struct Window {
  int height;
  double width;
  char tag;
};

__constant__ float factors[4];
__device__ int calls;

extern "C" __global__ void empty() {}

extern "C" __global__ void saxpy(float* y, const float* x, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] += a * x[i];
}

// Every kind of parameter, written back one by one.
extern "C" __global__ void kinds(double* out, signed char a, double b, short c, float d, long long e, bool f, Window w, unsigned g) {
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
  out[4] = static_cast<double>(e);
  out[5] = f ? 1 : 0;
  out[6] = w.height;
  out[7] = w.width;
  out[8] = w.tag;
  out[9] = g;
}

extern "C" __global__ void add_bias(float* y, const float* bias, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = bias == nullptr ? 0.0f : bias[i];
}

extern "C" __global__ void __launch_bounds__(64) bounded(int* y) { y[threadIdx.x] = threadIdx.x; }

// Turns a block's numbers round by way of dynamic shared memory.
extern "C" __global__ void turn_round(int* y) {
  extern __shared__ int tile[];
  tile[threadIdx.x] = y[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void scale(float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] *= factors[i % 4];
  if (i == 0) calls += 1;
}

// y[i] = value for all i, with steps between them so that order matters to who reads too early.
extern "C" __global__ void fill(int* y, int value, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = value;
}

extern "C" __global__ void add(int* y, const int* a, const int* b, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a[i] + b[i];
}

__global__ void mangled(int* y) { y[0] = 1; }

// Reads through a pointer that lies in device memory, where no launch can check it.
extern "C" __global__ void indirect(int* y, const int* const* table) { y[threadIdx.x] = table[0][threadIdx.x]; }
