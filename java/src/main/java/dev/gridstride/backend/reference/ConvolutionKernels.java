package dev.gridstride.backend.reference;

import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;

/**
 * Convolution: its three passes are the same sum of products over taps, with a different one of
 * output, input and weight as the unknown.
 */
final class ConvolutionKernels {
  private ConvolutionKernels() {}

  /** Takes the flat indices of an output, an input and a weight element that meet in a product. */
  @FunctionalInterface
  private interface Tap {
    void meet(int y, int x, int w);
  }

  static void forward(Conv2d op, Operands io) {
    double[] x = io.in(0);
    double[] w = io.in(1);
    double[] y = io.out(0);
    forEachTap(
        op, io.inShape(0), io.inShape(1), io.outShape(0), (iy, ix, iw) -> y[iy] += x[ix] * w[iw]);
    if (io.inputs().size() == 3) {
      Channels.addBias(y, io.outShape(0), io.in(2));
    }
    if (op.relu()) {
      ElementwiseKernels.reluInPlace(y);
    }
  }

  static void backwardData(Conv2dBackwardData op, Operands io) {
    double[] dy = io.in(0);
    double[] w = io.in(1);
    double[] dx = io.out(0);
    forEachTap(
        op.conv(),
        op.inputShape(),
        io.inShape(1),
        io.inShape(0),
        (iy, ix, iw) -> dx[ix] += dy[iy] * w[iw]);
  }

  static void backwardWeights(Conv2dBackwardWeights op, Operands io) {
    double[] x = io.in(0);
    double[] dy = io.in(1);
    double[] dw = io.out(0);
    forEachTap(
        op.conv(),
        io.inShape(0),
        op.weightShape(),
        io.inShape(1),
        (iy, ix, iw) -> dw[iw] += dy[iy] * x[ix]);
    if (op.bias()) {
      Channels.sum(dy, io.inShape(1), io.out(1));
    }
  }

  /** Visits every product of the convolution; what lies outside the image is zero and left out. */
  private static void forEachTap(Conv2d op, Shape x, Shape w, Shape y, Tap tap) {
    int outPerGroup = w.dim(0) / op.groups();
    int inPerGroup = w.dim(1);
    for (int n = 0; n < y.dim(0); n++) {
      for (int o = 0; o < y.dim(1); o++) {
        int firstChannel = o / outPerGroup * inPerGroup;
        for (int p = 0; p < y.dim(2); p++) {
          for (int q = 0; q < y.dim(3); q++) {
            int iy = index(y, n, o, p, q);
            for (int c = 0; c < inPerGroup; c++) {
              for (int r = 0; r < w.dim(2); r++) {
                int row =
                    p * op.stride().height() + r * op.dilation().height() - op.padding().top();
                if (row < 0 || row >= x.dim(2)) {
                  continue;
                }
                int inRow = index(x, n, firstChannel + c, row, 0);
                int weightRow = index(w, o, c, r, 0);
                for (int s = 0; s < w.dim(3); s++) {
                  int column =
                      q * op.stride().width() + s * op.dilation().width() - op.padding().left();
                  if (column >= 0 && column < x.dim(3)) {
                    tap.meet(iy, inRow + column, weightRow + s);
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  private static int index(Shape shape, int a, int b, int c, int d) {
    return ((a * shape.dim(1) + b) * shape.dim(2) + c) * shape.dim(3) + d;
  }
}
