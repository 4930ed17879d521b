package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;

/** Launches of {@code conv2d.cu}. */
final class Conv2dLaunches {
  private Conv2dLaunches() {}

  static void forward(Conv2d op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void backwardData(Conv2dBackwardData op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void backwardWeights(Conv2dBackwardWeights op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
