package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Permutation;
import dev.gridstride.program.op.FetchBatch;

/**
 * Which sample of a data set a position is: the host's twin of what {@code fetch_batch.cu} draws.
 *
 * @param count samples in the data set
 * @param shuffle whether each epoch has an order of its own
 * @param seed of the shuffle
 */
record RowOrder(int count, boolean shuffle, long seed) {
  /** The order in which this op fetches. */
  static RowOrder of(FetchBatch op, int count) {
    return new RowOrder(count, op.shuffle(), op.shuffle() ? op.seed() : 0);
  }

  /** The sample at this position, which counts from the beginning of the first epoch. */
  int sample(long position) {
    int place = (int) (position % count);
    return shuffle ? Permutation.at(seed, position / count, count, place) : place;
  }

  /**
   * Whether one would read on to {@code next} after {@code position}: other epochs may not come.
   */
  boolean leadsTo(long position, long next) {
    return shuffle || position / count == next / count;
  }
}
