package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Shape;

/**
 * A value [N,C,...] as it is stored, seen from its channels: element {@code (o, c, i)} lies at
 * {@code (o * channels + c) * inner + i}. Rank 4 is stored channels-last, so that {@code inner} is
 * 1 and {@code outer} is N*H*W; of the other ranks, {@code outer} is N.
 *
 * @param outer what is before the channels
 * @param channels dimension 1 of the logical shape
 * @param inner what is after the channels
 */
record Channels(long outer, int channels, long inner) {
  static Channels of(Shape shape) {
    int n = shape.dim(0);
    int c = shape.dim(1);
    long rest = shape.elements() / n / c;
    return shape.rank() == 4
        ? new Channels(Math.multiplyExact(n, rest), c, 1)
        : new Channels(n, c, rest);
  }
}
