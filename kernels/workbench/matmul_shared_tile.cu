// c[m,n] = a[m,k] b[k,n], row-major: a block computes 32x32 elements of c, one a thread, from tiles of
// a and b in shared memory.
//
// Each element of a tile is loaded from global memory once and used 32 times: global traffic is that
// of matmul_naive.cu divided by 32. Now shared memory is the bound: still 2 loads for each
// multiply-add (of a as a broadcast, of b from 32 different banks: no conflicts). What comes next:
// 8x8 elements a thread from 16 loads, 4 multiply-adds for each (../matmul.cu).
//
// Grid (ceil(n / 32), ceil(m / 32)), block (32, 32).
constexpr int TILE = 32;

extern "C" __global__ void __launch_bounds__(TILE* TILE)
    matmul_shared_tile_f32(float* c,        // [m, n]
                           const float* a,  // [m, k]
                           const float* b,  // [k, n]
                           int m, int n, int k) {
  __shared__ float a_tile[TILE][TILE], b_tile[TILE][TILE];
  const int x = threadIdx.x, y = threadIdx.y;
  const int col = blockIdx.x * TILE + x, row = blockIdx.y * TILE + y;
  float sum = 0;
  for (int first = 0; first < k; first += TILE) {
    a_tile[y][x] = row < m && first + x < k ? a[static_cast<long long>(row) * k + first + x] : 0;
    b_tile[y][x] = first + y < k && col < n ? b[static_cast<long long>(first + y) * n + col] : 0;
    __syncthreads();  // the tiles are there
    for (int i = 0; i < TILE; i++) sum += a_tile[y][i] * b_tile[i][x];
    __syncthreads();  // nobody reads them any more
  }
  if (row < m && col < n) c[static_cast<long long>(row) * n + col] = sum;
}
