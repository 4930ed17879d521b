package dev.gridstride.backend.cuda.program;

/**
 * Extents of a grid in blocks or of a block in threads.
 *
 * @param x fastest
 * @param y at most 65,535 blocks
 * @param z at most 65,535 blocks
 */
record Dim(int x, int y, int z) {
  /** Checks that every extent is at least 1. */
  Dim {
    if (x < 1 || y < 1 || z < 1) {
      throw new IllegalArgumentException(
          "launch: extents must be at least 1, got " + x + ", " + y + ", " + z);
    }
  }

  static Dim of(long x) {
    return of(x, 1, 1);
  }

  static Dim of(long x, long y) {
    return of(x, y, 1);
  }

  static Dim of(long x, long y, long z) {
    return new Dim(Math.toIntExact(x), Math.toIntExact(y), Math.toIntExact(z));
  }

  /** {@code a / b} rounded up: how many tiles of {@code b} cover {@code a}. */
  static long ceilDiv(long a, long b) {
    return (a + b - 1) / b;
  }

  /**
   * One dimension of blocks for {@code elements}, at most {@code most} of them, for kernels that
   * walk on by the size of the grid.
   */
  static Dim blocks(long elements, int perBlock, long most) {
    return of(Math.min(ceilDiv(elements, perBlock), most));
  }

  /** For example {@code 8x2x1}. */
  @Override
  public String toString() {
    return x + "x" + y + "x" + z;
  }
}
