// Transposes each of a batch of matrices: to[batch][column][row] = from[batch][row][column].
//
// [N,C,H,W] to [N,H,W,C] is a transpose of N matrices of C rows and H*W columns; the way back one of
// H*W rows and C columns. Elements of 1, 2, 4 or 8 bytes of any meaning. Deterministic.
//
// A block moves one tile through shared memory: it reads along the rows of `from` and writes along
// the rows of `to`, so both sides are coalesced. A tile is 32x32, or, where one side of the matrix is
// shorter (3 channels), that side whole and as much of the other as makes 1,024 elements; then reads
// or writes of the tile are one contiguous run. Rows of the tile are padded to an odd length, so that
// a column of 32 elements lies in 32 different banks; below 32 rows, a warp reads pieces of several
// columns, with conflicts of at most three.
//
// Evidence. Nothing is used twice and nothing computed: memory is the bound. The reference job's
// flatten, [64,64,6,6] to [64,2304]: 1.18 MB, 0.35 us at 3.35 TB/s, below a launch's own cost. 50,000
// images of 3x32x32 bytes: 307 MB, 92 us, once. Registers on sm_90: 32; shared 1.5, 3, 6 and 12 KB, so occupancy is full.
//
// Launch: block 256, grid batch * ceil(rows / tile_rows) * ceil(columns / tile_columns);
// tile_rows * (tile_columns | 1) at most 1,536. No dynamic shared memory. No alignment beyond the
// element's. `to` and `from` must not overlap.
#include "gridstride.cuh"

constexpr int THREADS = 256;
constexpr int TILE_CAPACITY = 1536;  // 512 rows of 2 columns, padded to 3, is the largest tile

template <typename T>
__device__ __forceinline__ void transpose(T* to, const T* from, int rows, int columns, int tile_rows, int tile_columns) {
  __shared__ T tile[TILE_CAPACITY];
  const int pitch = tile_columns | 1;
  const u32 across = ceil_div(columns, tile_columns), down = ceil_div(rows, tile_rows);
  u32 block = blockIdx.x;
  const int first_column = static_cast<int>(block % across) * tile_columns;
  block /= across;
  const int first_row = static_cast<int>(block % down) * tile_rows;
  const i64 matrix = static_cast<i64>(block / down) * rows * columns;
  const int height = min(tile_rows, rows - first_row), width = min(tile_columns, columns - first_column);

  for (int i = threadIdx.x; i < height * width; i += THREADS) {
    int row = static_cast<int>(static_cast<u32>(i) / static_cast<u32>(width)), column = i - row * width;
    tile[row * pitch + column] = from[matrix + static_cast<i64>(first_row + row) * columns + first_column + column];
  }
  __syncthreads();
  for (int i = threadIdx.x; i < height * width; i += THREADS) {
    int column = static_cast<int>(static_cast<u32>(i) / static_cast<u32>(height)), row = i - column * height;
    to[matrix + static_cast<i64>(first_column + column) * rows + first_row + row] = tile[row * pitch + column];
  }
}

extern "C" __global__ void __launch_bounds__(THREADS) transpose_b8(
    u8* to,          // [batch, columns, rows]
    const u8* from,  // [batch, rows, columns]
    int rows, int columns, int tile_rows, int tile_columns) {
  transpose(to, from, rows, columns, tile_rows, tile_columns);
}

extern "C" __global__ void __launch_bounds__(THREADS) transpose_b16(
    u16* to,          // [batch, columns, rows]
    const u16* from,  // [batch, rows, columns]
    int rows, int columns, int tile_rows, int tile_columns) {
  transpose(to, from, rows, columns, tile_rows, tile_columns);
}

extern "C" __global__ void __launch_bounds__(THREADS) transpose_b32(
    u32* to,          // [batch, columns, rows]
    const u32* from,  // [batch, rows, columns]
    int rows, int columns, int tile_rows, int tile_columns) {
  transpose(to, from, rows, columns, tile_rows, tile_columns);
}

extern "C" __global__ void __launch_bounds__(THREADS) transpose_b64(
    u64* to,          // [batch, columns, rows]
    const u64* from,  // [batch, rows, columns]
    int rows, int columns, int tile_rows, int tile_columns) {
  transpose(to, from, rows, columns, tile_rows, tile_columns);
}
