package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.op.WeightPenaltyBackward;

/** Launches of {@code weight_penalty.cu}. */
final class WeightPenaltyLaunches {
  private WeightPenaltyLaunches() {}

  static void forward(WeightPenalty op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void backward(WeightPenaltyBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
