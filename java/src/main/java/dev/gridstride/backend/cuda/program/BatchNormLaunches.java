package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import dev.gridstride.program.op.MovingAverage;

/** Launches of {@code batch_norm.cu}. */
final class BatchNormLaunches {
  private BatchNormLaunches() {}

  static void training(BatchNorm op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void inference(BatchNormInference op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void backward(BatchNormBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void movingAverage(MovingAverage op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
