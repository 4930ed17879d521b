package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Dropout;

/** Launches of {@code dropout.cu}. */
final class DropoutLaunches {
  private DropoutLaunches() {}

  static void dropout(Dropout op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
