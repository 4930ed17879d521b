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

  /** One dimension. */
  public static Dim of(int x) {
    return new Dim(x, 1, 1);
  }

  /** Two dimensions. */
  public static Dim of(int x, int y) {
    return new Dim(x, y, 1);
  }

  /** Three dimensions. */
  public static Dim of(int x, int y, int z) {
    return new Dim(x, y, z);
  }

  /**
   * As many blocks of {@code size} as hold {@code count} elements, at least one.
   *
   * @throws IllegalArgumentException if there would be 2^31 or more
   */
  public static Dim covering(long count, int size) {
    long blocks = Math.max(1, Math.floorDiv(Math.addExact(count, size - 1L), size));
    if (blocks > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          count + " elements in blocks of " + size + " need " + blocks + " blocks, too many");
    }
    return of((int) blocks);
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
