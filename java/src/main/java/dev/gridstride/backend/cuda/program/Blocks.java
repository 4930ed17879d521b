package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;

/** Shapes of blocks of 256 threads that several kernels share. */
final class Blocks {
  static final int THREADS = 256;
  static final int WARP = 32;

  /** A block of {@link #THREADS} in one dimension. */
  static final Dim ALL = Dim.of(THREADS);

  private Blocks() {}

  /** Blocks of {@link #ALL} for {@code count} elements, four to a thread. */
  static Dim byFours(long count) {
    return Dim.of(Dim.ceilDiv(count, 4L * THREADS));
  }

  /** Elements that a thread takes at a time: 4 in one 128-bit access if {@code count} allows. */
  static int vector(long count) {
    return count % 4 == 0 ? 4 : 1;
  }

  /**
   * A block of two dimensions: x is the first power of two that holds {@code items}, at most {@code
   * widest}; y is what is left of the 256 threads, for rows.
   */
  static Dim rows(long items, int widest) {
    int x = 1;
    while (x < items && x < widest) {
      x *= 2;
    }
    return Dim.of(x, THREADS / x);
  }
}
