package dev.gridstride.backend.cuda;

/**
 * Size of a grid in blocks, or of a block in threads.
 *
 * @param x fastest dimension
 * @param y second dimension
 * @param z slowest dimension
 */
public record Dim(int x, int y, int z) {
  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if one is not positive
   */
  public Dim {
    if (x <= 0 || y <= 0 || z <= 0) {
      throw new IllegalArgumentException(
          "grid and block sizes must be positive, got (" + x + ", " + y + ", " + z + ")");
    }
  }

  /**
   * One dimension.
   *
   * @throws IllegalArgumentException if it is not positive or 2^31 or more
   */
  public static Dim of(long x) {
    return of(x, 1, 1);
  }

  /** Two dimensions; see {@link #of(long)}. */
  public static Dim of(long x, long y) {
    return of(x, y, 1);
  }

  /** Three dimensions; see {@link #of(long)}. */
  public static Dim of(long x, long y, long z) {
    if (x > Integer.MAX_VALUE || y > Integer.MAX_VALUE || z > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "grid and block sizes must be below 2^31, got (" + x + ", " + y + ", " + z + ")");
    }
    return new Dim(clamp(x), clamp(y), clamp(z));
  }

  /** Anything too small becomes 0, which the constructor refuses. */
  private static int clamp(long size) {
    return (int) Math.max(0, size);
  }

  /** As many blocks as cover {@code elements}, at least one; see {@link #of(long)}. */
  public static Dim blocks(long elements, int perBlock) {
    return blocks(elements, perBlock, Long.MAX_VALUE);
  }

  /**
   * As {@link #blocks(long, int)}, but at most {@code most}, for kernels that walk on by the size
   * of the grid.
   */
  public static Dim blocks(long elements, int perBlock, long most) {
    return of(Math.max(1, Math.min(ceilDiv(elements, perBlock), most)));
  }

  /**
   * {@code a / b} rounded up, for positive {@code b}: how many tiles of {@code b} cover {@code a}.
   */
  public static long ceilDiv(long a, long b) {
    return -Math.floorDiv(-a, b);
  }

  /** Product of the three. */
  public long count() {
    return Math.multiplyExact((long) x * y, (long) z);
  }

  @Override
  public String toString() {
    return "(" + x + ", " + y + ", " + z + ")";
  }
}
