package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.op.WeightPenaltyBackward;

/** Launches of {@code weight_penalty.cu}. */
final class WeightPenaltyLaunches {
  private static final String FILE = "weight_penalty";
  private static final int ELEMENTS_PER_BLOCK = 4096;

  private WeightPenaltyLaunches() {}

  static void forward(WeightPenalty op, Emitter e) {
    long count = e.inElements(0);
    long blocks = Dim.ceilDiv(count, ELEMENTS_PER_BLOCK);
    Place partial = blocks == 1 ? e.out(0) : e.scratch(blocks * Float.BYTES);
    Object[] args = {partial, e.in(0), count, op.l1(), op.l2()};
    e.launch(FILE, "weight_penalty_partial_f32", Dim.of(blocks), Blocks.ALL, 0, args);
    if (blocks > 1) {
      ReduceLaunches.sum(e, e.out(0), partial, blocks, 1);
    }
  }

  static void backward(WeightPenaltyBackward op, Emitter e) {
    long count = e.outElements(0);
    Object[] args = {e.out(0), e.in(0), e.in(1), count, op.l1(), op.l2()};
    e.launch(FILE, "weight_penalty_backward_f32", Blocks.byFours(count), Blocks.ALL, 0, args);
  }
}
