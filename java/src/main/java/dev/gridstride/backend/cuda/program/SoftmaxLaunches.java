package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxBackward;

/** Launches of {@code softmax.cu}. */
final class SoftmaxLaunches {
  private SoftmaxLaunches() {}

  static void forward(Softmax op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void backward(SoftmaxBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
