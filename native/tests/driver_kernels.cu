// Kernels for the driver's tests: plain CUDA C++, no header of ours.

struct Pair {
  char tag;
  double value;
};

__device__ float factor = 2.0f;

extern "C" __global__ void nothing() {}

extern "C" __global__ void axpy(float* y, const float* x, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}

extern "C" __global__ void scale(float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] *= factor;
}

extern "C" __global__ void set(float* y, float v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = v;
}

extern "C" __global__ void copy(float* y, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i];
}

extern "C" __global__ void mixed(double* out, char c, Pair p, short s, long long l) {
  out[0] = c;
  out[1] = p.tag;
  out[2] = p.value;
  out[3] = s;
  out[4] = static_cast<double>(l);
}

extern "C" __global__ void __launch_bounds__(128) bounded(float* y) { y[threadIdx.x] = 1.0f; }

extern __shared__ float tile[];
extern "C" __global__ void reverse(float* y, int n) {
  int i = threadIdx.x;
  tile[i] = y[i];
  __syncthreads();
  y[i] = tile[n - 1 - i];
}

extern "C" __global__ void wild(float* y, long long i) { y[i] = 1.0f; }
