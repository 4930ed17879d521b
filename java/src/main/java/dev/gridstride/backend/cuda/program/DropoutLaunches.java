package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.op.Dropout;

/** Launches of {@code dropout.cu}. */
final class DropoutLaunches {
  private static final String FILE = "dropout";

  /** Elements that share a block of Philox words. */
  private static final int WORDS = 4;

  private DropoutLaunches() {}

  static void dropout(Dropout op, Emitter e) {
    float scale = (float) (1 / (1 - (double) op.rate()));
    long count = e.outElements(0);
    if (Layout.moves(e.input(0).shape())) {
      ChannelsLast x = ChannelsLast.of(e.input(0).shape());
      int plane = e.int32(x.pixels(), "an image");
      int groups = plane % WORDS == 0 ? plane / WORDS : (plane + 2 * WORDS - 2) / WORDS;
      Dim grid = Dim.of(Dim.ceilDiv((long) x.n() * groups * x.c(), Blocks.THREADS));
      Object[] args = {
        e.out(0), e.in(0), e.in(1), x.n(), x.c(), plane, groups, op.rate(), scale, op.seed()
      };
      e.launch(FILE, "dropout_nhwc_f32", grid, Blocks.ALL, 0, args);
    } else {
      Object[] args = {e.out(0), e.in(0), e.in(1), count, op.rate(), scale, op.seed()};
      e.launch(FILE, "dropout_f32", Blocks.byFours(count), Blocks.ALL, 0, args);
    }
  }
}
