package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Fill;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;

/** Launches of {@code elementwise.cu}. */
final class ElementwiseLaunches {
  private ElementwiseLaunches() {}

  static void add(Add op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void fill(Fill op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void relu(Relu op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void reluBackward(ReluBackward op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void biasAdd(BiasAdd op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
