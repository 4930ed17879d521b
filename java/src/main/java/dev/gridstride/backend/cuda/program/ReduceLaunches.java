package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.BiasBackward;

/** Launches of {@code reduce.cu}. */
final class ReduceLaunches {
  private ReduceLaunches() {}

  static void biasBackward(BiasBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
