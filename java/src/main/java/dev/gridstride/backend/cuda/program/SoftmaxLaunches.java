package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxBackward;

/** Launches of {@code softmax.cu}. */
final class SoftmaxLaunches {
  /** Classes above which a row is a block's and not some lanes'. */
  private static final int LONG = 256;

  private SoftmaxLaunches() {}

  static void forward(Softmax op, Emitter e) {
    rows(e, "softmax", "softmax_forward", e.out(0), e.in(0));
  }

  static void backward(SoftmaxBackward op, Emitter e) {
    rows(e, "softmax", "softmax_backward", e.out(0), e.in(0), e.in(1));
  }

  private static void rows(Emitter e, String file, String kernel, Place... tensors) {
    Shape shape = e.input(0).shape();
    Object[] arguments = new Object[tensors.length + 2];
    System.arraycopy(tensors, 0, arguments, 0, tensors.length);
    arguments[tensors.length] = (long) shape.dim(0);
    arguments[tensors.length + 1] = shape.dim(1);
    rows(e, file, kernel, shape, arguments);
  }

  /**
   * Launches a kernel that works row by row, in its form for long rows or for short ones.
   *
   * @param kernel entry point without {@code _f32} or {@code _long_f32}
   * @param shape [rows, classes]
   */
  static void rows(Emitter e, String file, String kernel, Shape shape, Object... arguments) {
    int rows = shape.dim(0);
    int classes = shape.dim(1);
    if (classes > LONG) {
      Dim block = Dim.of(Blocks.THREADS);
      e.launch(file, kernel + "_long_f32", Dim.of(rows), block, 0, arguments);
    } else {
      Dim block = Blocks.rows(classes, Blocks.WARP);
      Dim grid = Dim.of(Dim.ceilDiv(rows, block.y()));
      e.launch(file, kernel + "_f32", grid, block, 0, arguments);
    }
  }
}
