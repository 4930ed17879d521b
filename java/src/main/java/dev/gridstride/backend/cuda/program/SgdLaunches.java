package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Sgd;

/** Launches of {@code sgd.cu}. */
final class SgdLaunches {
  private SgdLaunches() {}

  static void step(Sgd op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
