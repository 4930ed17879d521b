package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Shape;

/** The order in which the elements of a value are stored: channels-last for rank 4. */
final class Layout {
  private Layout() {}

  /** Takes one element from or to its place. */
  @FunctionalInterface
  interface Mover {
    /**
     * One element.
     *
     * @param logical its index in row-major order of the logical shape
     * @param stored its index among the stored elements of this part
     */
    void move(int logical, int stored);
  }

  /** Whether a value of this shape is stored in another order than row-major. */
  static boolean moves(Shape shape) {
    return shape.rank() == 4 && !ChannelsLast.of(shape).sameEitherWay();
  }

  /** Visits {@code count} elements in the order in which they are stored, from {@code first} on. */
  static void forEach(Shape shape, long first, int count, Mover mover) {
    if (!moves(shape)) {
      for (int i = 0; i < count; i++) {
        mover.move((int) first + i, i);
      }
      return;
    }
    ChannelsLast sizes = ChannelsLast.of(shape);
    int channels = sizes.c();
    int pixels = Math.toIntExact(sizes.pixels());
    int c = (int) (first % channels);
    int pixel = (int) (first / channels % pixels);
    int n = (int) (first / channels / pixels);
    for (int i = 0; i < count; i++) {
      mover.move((n * channels + c) * pixels + pixel, i);
      if (++c == channels) {
        c = 0;
        if (++pixel == pixels) {
          pixel = 0;
          n++;
        }
      }
    }
  }

  /** In words, for explanations. */
  static String describe(Shape shape, Shape stored) {
    if (!stored.equals(shape)) {
      return "row-major with columns as in images channels-last";
    }
    return shape.rank() == 4 ? "channels-last" : "row-major";
  }
}
