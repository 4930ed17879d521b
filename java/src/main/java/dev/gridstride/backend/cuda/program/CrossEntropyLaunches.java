package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.CrossEntropyBackward;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropyBackward;

/** Launches of {@code cross_entropy.cu}. */
final class CrossEntropyLaunches {
  private static final String FILE = "cross_entropy";

  private CrossEntropyLaunches() {}

  static void crossEntropy(CrossEntropy op, Emitter e) {
    Labels labels = Labels.of(e);
    Place losses = e.scratch(labels.rows() * Float.BYTES);
    labels.launch("cross_entropy_forward", op.labelSmoothing(), losses, e.in(0));
    labels.mean(losses);
  }

  static void crossEntropyBackward(CrossEntropyBackward op, Emitter e) {
    Labels.of(e).launchBackward("cross_entropy_backward", op.labelSmoothing());
  }

  static void softmaxCrossEntropy(SoftmaxCrossEntropy op, Emitter e) {
    Labels labels = Labels.of(e);
    Place losses = e.scratch(labels.rows() * Float.BYTES);
    String kernel = "softmax_cross_entropy_forward";
    labels.launch(kernel, op.labelSmoothing(), losses, e.out(1), e.in(0));
    labels.mean(losses);
  }

  static void softmaxCrossEntropyBackward(SoftmaxCrossEntropyBackward op, Emitter e) {
    Labels.of(e).launchBackward("softmax_cross_entropy_backward", op.labelSmoothing());
  }

  /**
   * Scores [rows, classes], input 0, and their labels, input 1: one of the two pointers is null.
   *
   * @param indices int32 [rows]
   * @param soft float32 [rows, classes]
   */
  private record Labels(Emitter e, Shape shape, Place indices, Place soft) {
    static Labels of(Emitter e) {
      boolean indices = e.input(1).type().dtype() == DataType.INT32;
      Place labels = e.in(1);
      return new Labels(
          e, e.input(0).shape(), indices ? labels : Place.NULL, indices ? Place.NULL : labels);
    }

    long rows() {
      return shape.dim(0);
    }

    void launch(String kernel, float smoothing, Place losses, Place x) {
      rows(kernel, losses, x, indices, soft, rows(), shape.dim(1), smoothing);
    }

    void launch(String kernel, float smoothing, Place losses, Place p, Place x) {
      rows(kernel, losses, p, x, indices, soft, rows(), shape.dim(1), smoothing);
    }

    void launchBackward(String kernel, float smoothing) {
      Place g = e.in(2);
      rows(kernel, e.out(0), e.in(0), indices, soft, g, rows(), shape.dim(1), smoothing);
    }

    private void rows(String kernel, Object... arguments) {
      SoftmaxLaunches.rows(e, FILE, kernel, shape, arguments);
    }

    /** Output 0 is the mean of the rows' losses. */
    void mean(Place losses) {
      ReduceLaunches.sum(e, e.out(0), losses, rows(), (float) (1.0 / rows()));
    }
  }
}
