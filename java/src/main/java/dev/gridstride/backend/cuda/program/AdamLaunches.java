package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Adam;

/** Launches of {@code adam.cu}. */
final class AdamLaunches {
  private AdamLaunches() {}

  static void step(Adam op, Emitter e) {
    e.copyUnlessSame(0, 0);
    e.copyUnlessSame(1, 2);
    e.copyUnlessSame(2, 3);
    long count = e.outElements(0);
    e.launch(
        "adam",
        "adam_step_f32",
        Blocks.byFours(count),
        Blocks.ALL,
        0,
        e.out(0),
        e.out(1),
        e.out(2),
        e.in(1),
        e.in(4),
        e.in(5),
        count,
        op.beta1(),
        op.beta2(),
        logarithm(op.beta1()),
        logarithm(op.beta2()),
        op.epsilon(),
        op.weightDecay());
  }

  /** Minus infinity for 0, which the kernel takes. */
  private static float logarithm(float beta) {
    return (float) Math.log(beta);
  }
}
