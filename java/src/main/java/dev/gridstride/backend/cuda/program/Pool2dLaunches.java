package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.AvgPool2dBackward;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2dBackward;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;

/** Launches of {@code pool2d.cu}. */
final class Pool2dLaunches {
  private Pool2dLaunches() {}

  static void max(MaxPool2d op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void maxBackward(MaxPool2dBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void average(AvgPool2d op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void averageBackward(AvgPool2dBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void globalAverage(GlobalAvgPool2d op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void globalAverageBackward(GlobalAvgPool2dBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
