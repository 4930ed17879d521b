package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;

/** Launches of {@code matmul.cu}. */
final class MatmulLaunches {
  private MatmulLaunches() {}

  static void matmul(Matmul op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void dense(Dense op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void denseBackwardData(DenseBackwardData op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void denseBackwardWeights(DenseBackwardWeights op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
