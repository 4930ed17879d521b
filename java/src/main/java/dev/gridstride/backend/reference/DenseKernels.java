package dev.gridstride.backend.reference;

import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;

/** Fully connected layers and matrix products. */
final class DenseKernels {
  private DenseKernels() {}

  static void forward(Dense op, Operands io) {
    double[] x = io.in(0);
    double[] w = io.in(1);
    double[] y = io.out(0);
    int rows = io.outShape(0).dim(0);
    int outputs = io.inShape(1).dim(0);
    int inputs = io.inShape(1).dim(1);
    for (int n = 0; n < rows; n++) {
      for (int o = 0; o < outputs; o++) {
        double sum = 0;
        for (int k = 0; k < inputs; k++) {
          sum += x[n * inputs + k] * w[o * inputs + k];
        }
        y[n * outputs + o] = sum;
      }
    }
    if (io.inputs().size() == 3) {
      Channels.addBias(y, io.outShape(0), io.in(2));
    }
    if (op.relu()) {
      ElementwiseKernels.reluInPlace(y);
    }
  }

  static void backwardData(DenseBackwardData op, Operands io) {
    double[] dy = io.in(0);
    double[] w = io.in(1);
    double[] dx = io.out(0);
    int rows = io.inShape(0).dim(0);
    int outputs = io.inShape(1).dim(0);
    int inputs = io.inShape(1).dim(1);
    for (int n = 0; n < rows; n++) {
      for (int o = 0; o < outputs; o++) {
        for (int k = 0; k < inputs; k++) {
          dx[n * inputs + k] += dy[n * outputs + o] * w[o * inputs + k];
        }
      }
    }
  }

  static void backwardWeights(DenseBackwardWeights op, Operands io) {
    double[] x = io.in(0);
    double[] dy = io.in(1);
    double[] dw = io.out(0);
    int rows = io.inShape(1).dim(0);
    int outputs = io.outShape(0).dim(0);
    int inputs = io.outShape(0).dim(1);
    for (int n = 0; n < rows; n++) {
      for (int o = 0; o < outputs; o++) {
        for (int k = 0; k < inputs; k++) {
          dw[o * inputs + k] += dy[n * outputs + o] * x[n * inputs + k];
        }
      }
    }
    if (op.bias()) {
      Channels.sum(dy, io.inShape(1), io.out(1));
    }
  }

  static void matmul(Matmul op, Operands io) {
    double[] a = io.in(0);
    double[] b = io.in(1);
    double[] c = io.out(0);
    int rows = io.outShape(0).dim(0);
    int columns = io.outShape(0).dim(1);
    int inner = io.inShape(0).dim(op.transposeA() ? 0 : 1);
    for (int m = 0; m < rows; m++) {
      for (int n = 0; n < columns; n++) {
        double sum = 0;
        for (int k = 0; k < inner; k++) {
          double left = op.transposeA() ? a[k * rows + m] : a[m * inner + k];
          double right = op.transposeB() ? b[n * inner + k] : b[k * columns + n];
          sum += left * right;
        }
        c[m * columns + n] = sum;
      }
    }
  }
}
