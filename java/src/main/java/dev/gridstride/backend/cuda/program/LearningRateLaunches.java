package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.LearningRate;

/** Launches of {@code learning_rate.cu}. */
final class LearningRateLaunches {
  private LearningRateLaunches() {}

  static void learningRate(LearningRate op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
