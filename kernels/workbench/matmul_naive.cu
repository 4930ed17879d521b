// c[m,n] = a[m,k] b[k,n], row-major: one thread for each element of c, everything from global memory.
//
// For each multiply-add a thread loads two floats. The 32 threads of a warp have neighbouring columns:
// they share the element of a (one broadcast) and read 128 neighbouring bytes of b. Each element of
// a is loaded n times and each of b m times; the caches take most of that, and their bandwidth is the
// bound: 2 loads for 1 multiply-add, where an SM has 4 times as many multiply-adds as loads in a
// clock. What comes next: matmul_shared_tile.cu.
//
// Grid (ceil(n / 32), ceil(m / 8)), block (32, 8).
extern "C" __global__ void __launch_bounds__(256)
    matmul_naive_f32(float* c,        // [m, n]
                     const float* a,  // [m, k]
                     const float* b,  // [k, n]
                     int m, int n, int k) {
  const int col = blockIdx.x * 32 + threadIdx.x, row = blockIdx.y * 8 + threadIdx.y;
  if (row >= m || col >= n) return;
  float sum = 0;
  for (int i = 0; i < k; i++) sum += a[static_cast<long long>(row) * k + i] * b[static_cast<long long>(i) * n + col];
  c[static_cast<long long>(row) * n + col] = sum;
}
