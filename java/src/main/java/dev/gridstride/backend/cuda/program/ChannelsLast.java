package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Shape;

/**
 * Sizes of a value of logical shape [N,C,H,W], which is stored as [N,H,W,C]. Also of convolution
 * weights [O,C/G,KH,KW], stored as [O,KH,KW,C/G].
 *
 * @param n batch; output channels of weights
 * @param c channels; input channels of a group of weights
 * @param h height
 * @param w width
 */
record ChannelsLast(int n, int c, int h, int w) {
  /**
   * Sizes of a shape of rank 4.
   *
   * @throws IllegalArgumentException if the rank is another
   */
  static ChannelsLast of(Shape shape) {
    if (shape.rank() != 4) {
      throw new IllegalArgumentException("expected [n,c,h,w], got " + shape);
    }
    return new ChannelsLast(shape.dim(0), shape.dim(1), shape.dim(2), shape.dim(3));
  }

  /** Height times width. */
  long pixels() {
    return (long) h * w;
  }

  long elements() {
    return Math.multiplyExact(Math.multiplyExact((long) n, c), pixels());
  }

  /** Whether [N,C,H,W] and [N,H,W,C] are the same order in memory. */
  boolean sameEitherWay() {
    return c == 1 || pixels() == 1;
  }
}
