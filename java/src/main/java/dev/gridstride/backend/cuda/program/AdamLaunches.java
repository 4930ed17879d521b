package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Adam;

/** Launches of {@code adam.cu}. */
final class AdamLaunches {
  private AdamLaunches() {}

  static void step(Adam op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
