package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.CrossEntropyBackward;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropyBackward;

/** Launches of {@code cross_entropy.cu}. */
final class CrossEntropyLaunches {
  private CrossEntropyLaunches() {}

  static void crossEntropy(CrossEntropy op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void crossEntropyBackward(CrossEntropyBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void softmaxCrossEntropy(SoftmaxCrossEntropy op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void softmaxCrossEntropyBackward(SoftmaxCrossEntropyBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
