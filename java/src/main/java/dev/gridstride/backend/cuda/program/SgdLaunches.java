package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Sgd;

/** Launches of {@code sgd.cu}. */
final class SgdLaunches {
  private SgdLaunches() {}

  static void step(Sgd op, Emitter e) {
    e.copyUnlessSame(0, 0);
    e.copyUnlessSame(1, 2);
    long count = e.outElements(0);
    e.launch(
        "sgd",
        "sgd_step_f32",
        Blocks.byFours(count),
        Blocks.ALL,
        0,
        e.out(0),
        e.out(1),
        e.in(1),
        e.in(3),
        count,
        op.momentum(),
        op.nesterov() ? 1 : 0,
        op.weightDecay());
  }
}
