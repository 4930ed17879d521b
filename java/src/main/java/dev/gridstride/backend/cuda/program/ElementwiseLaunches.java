package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Fill;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;

/** Launches of {@code elementwise.cu}. */
final class ElementwiseLaunches {
  private static final String FILE = "elementwise";

  private ElementwiseLaunches() {}

  static void add(Add op, Emitter e) {
    launch(e, "add_f32", e.out(0), e.in(0), e.in(1), e.outElements(0));
  }

  static void fill(Fill op, Emitter e) {
    launch(e, "fill_f32", e.out(0), e.outElements(0), op.value());
  }

  static void relu(Relu op, Emitter e) {
    launch(e, "relu_forward_f32", e.out(0), e.in(0), e.outElements(0));
  }

  static void reluBackward(ReluBackward op, Emitter e) {
    launch(e, "relu_backward_f32", e.out(0), e.in(0), e.in(1), e.outElements(0));
  }

  static void biasAdd(BiasAdd op, Emitter e) {
    Channels x = Channels.of(e.input(0).shape());
    long count = e.outElements(0);
    launch(e, "bias_add_f32", e.out(0), e.in(0), e.in(1), count, x.channels(), x.inner());
  }

  private static void launch(Emitter e, String kernel, Object... args) {
    e.launch(FILE, kernel, Blocks.byFours(e.outElements(0)), Blocks.ALL, 0, args);
  }
}
