// Sums: of a matrix's columns, of its rows, of all elements of an array. In a fixed order, no
// atomics: the same bits every time.
//
//   column_sum:  y[c] = sum over r of x[r,c]           x [rows, columns], row-major
//   row_sum:     y[r] = sum over c of x[r,c]
//   sum:         y    = factor * sum over i of x[i]    x [count]
//
// Channels-last makes every per-channel sum over batch, height and width a column sum: the gradient
// of a bias is the column sum of dy seen as [N*H*W, C]. Where something lies behind the channels
// ([N,C,L]), row sums come first.
//
// column_sum and sum work by chunks and write one result a chunk; run on those results, with a
// single chunk, they are their own second stage.
//
// Bias gradients of the reference job, batch 64: conv1 [57600, 32] 7.37 MB read, conv2 [10816, 64]
// 2.77 MB; one addition for 4 bytes: memory-bound, 2.2 and 0.8 us at 3.35 TB/s. sum is the second
// stage of losses: a few hundred bytes.
// sm_90, block 256:
//   column_sum_f32: 32 registers, 5,120 bytes shared, 8 blocks an SM (100 %)
//   row_sum_f32: 16 registers, 8 blocks an SM (100 %)
//   sum_f32: 18 registers, 32 bytes shared, 8 blocks an SM (100 %)

#include "gridstride.cuh"

constexpr int THREADS = 256;

template <int V>
__device__ __forceinline__ void column_sum(float* y, const float* x, i64 rows, int columns, int rows_per_chunk) {
  __shared__ Floats<V> scratch[THREADS];
  const int column = (blockIdx.y * blockDim.x + threadIdx.x) * V;
  const i64 begin = static_cast<i64>(blockIdx.x) * rows_per_chunk;
  const i64 end = begin + rows_per_chunk < rows ? begin + rows_per_chunk : rows;

  Floats<V> sum = same_floats<V>(0);
  if (column < columns) {
    // A warp reads 32 / blockDim.x neighbouring rows: one piece of memory if the tile is as wide as
    // the matrix. Unrolled, so that four loads are under way at a time.
#pragma unroll 4
    for (i64 row = begin + threadIdx.y; row < end; row += blockDim.y) {
      Floats<V> v = load_floats<V>(x + row * columns + column);
      for (int j = 0; j < V; j++) sum.at[j] += v.at[j];
    }
  }
  sum = sum_over_y<V>(sum, scratch);
  if (threadIdx.y == 0 && column < columns) {
    store_floats<V>(y + static_cast<i64>(blockIdx.x) * columns + column, sum);
  }
}

// y[chunk, c] = sum of x[r, c] over the rows of the chunk.
// Grid (chunks, column tiles), chunks = ceil(rows / rows_per_chunk); block (w, 256 / w), w a power of
// two up to 32; a tile is w * V columns, V = 4 if columns % 4 == 0, else 1. y and x aligned to 16.
extern "C" __global__ void __launch_bounds__(THREADS)
    column_sum_f32(float* y,         // [chunks, columns]
                   const float* x,   // [rows, columns]
                   i64 rows, int columns, int rows_per_chunk) {
  if (columns % 4 == 0) {
    column_sum<4>(y, x, rows, columns, rows_per_chunk);
  } else {
    column_sum<1>(y, x, rows, columns, rows_per_chunk);
  }
}

// y[r] = sum of row r. Grid (ceil(rows / blockDim.y)), block (lanes, 256 / lanes), lanes a power of
// two up to 32, best the first that holds a row.
extern "C" __global__ void __launch_bounds__(THREADS)
    row_sum_f32(float* y,         // [rows]
                const float* x,   // [rows, columns]
                i64 rows, i64 columns) {
  const LaneTeam team;
  const i64 row = team.row();
  float sum = 0;
  if (row < rows) {
#pragma unroll 4
    for (i64 k = team.rank(); k < columns; k += team.size()) sum += x[row * columns + k];
  }
  sum = team.sum(sum);
  if (row < rows && team.rank() == 0) y[row] = sum;
}

// y[chunk] = factor * sum of the chunk's elements. Grid (ceil(count / chunk)), block 256.
extern "C" __global__ void __launch_bounds__(THREADS)
    sum_f32(float* y,         // [chunks]
            const float* x,   // [count]
            i64 count, int chunk, float factor) {
  __shared__ float scratch[THREADS / WARP];
  const i64 begin = static_cast<i64>(blockIdx.x) * chunk;
  const i64 end = begin + chunk < count ? begin + chunk : count;
  float sum = 0;
#pragma unroll 4
  for (i64 i = begin + threadIdx.x; i < end; i += THREADS) sum += x[i];
  sum = block_sum<THREADS>(sum, scratch);
  if (threadIdx.x == 0) y[blockIdx.x] = factor * sum;
}
