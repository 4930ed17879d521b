package dev.gridstride.backend.reference;

import dev.gridstride.program.Shape;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.CrossEntropyBackward;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.MeanSquaredErrorBackward;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxBackward;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropyBackward;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.op.WeightPenaltyBackward;

/** Softmax and the losses. */
final class LossKernels {
  private LossKernels() {}

  static void softmax(Softmax op, Operands io) {
    softmaxRows(io.in(0), io.inShape(0), io.out(0));
  }

  private static void softmaxRows(double[] x, Shape shape, double[] y) {
    int classes = shape.dim(1);
    for (int n = 0; n < shape.dim(0); n++) {
      double max = rowMax(x, n, classes);
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        y[n * classes + k] = Math.exp(x[n * classes + k] - max);
        sum += y[n * classes + k];
      }
      for (int k = 0; k < classes; k++) {
        y[n * classes + k] /= sum;
      }
    }
  }

  private static double rowMax(double[] x, int row, int classes) {
    double max = x[row * classes];
    for (int k = 1; k < classes; k++) {
      max = Math.max(max, x[row * classes + k]);
    }
    return max;
  }

  static void softmaxBackward(SoftmaxBackward op, Operands io) {
    double[] dy = io.in(0);
    double[] y = io.in(1);
    double[] dx = io.out(0);
    int classes = io.inShape(0).dim(1);
    for (int n = 0; n < io.inShape(0).dim(0); n++) {
      double dot = 0;
      for (int k = 0; k < classes; k++) {
        dot += dy[n * classes + k] * y[n * classes + k];
      }
      for (int k = 0; k < classes; k++) {
        dx[n * classes + k] = y[n * classes + k] * (dy[n * classes + k] - dot);
      }
    }
  }

  static void crossEntropy(CrossEntropy op, Operands io) {
    double[] p = io.in(0);
    int rows = io.inShape(0).dim(0);
    double[] t = Labels.targets(io, 1, io.inShape(0), op.labelSmoothing());
    for (int i = 0; i < p.length; i++) {
      io.out(0)[0] -= t[i] * Math.log(Math.max(p[i], CrossEntropy.FLOOR)) / rows;
    }
  }

  static void crossEntropyBackward(CrossEntropyBackward op, Operands io) {
    double[] p = io.in(0);
    double g = io.in(2)[0];
    int rows = io.inShape(0).dim(0);
    double[] t = Labels.targets(io, 1, io.inShape(0), op.labelSmoothing());
    for (int i = 0; i < p.length; i++) {
      io.out(0)[i] = p[i] > CrossEntropy.FLOOR ? -g * t[i] / (rows * p[i]) : 0;
    }
  }

  static void softmaxCrossEntropy(SoftmaxCrossEntropy op, Operands io) {
    double[] x = io.in(0);
    int rows = io.inShape(0).dim(0);
    int classes = io.inShape(0).dim(1);
    double[] t = Labels.targets(io, 1, io.inShape(0), op.labelSmoothing());
    for (int n = 0; n < rows; n++) {
      double max = rowMax(x, n, classes);
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        sum += Math.exp(x[n * classes + k] - max);
      }
      for (int k = 0; k < classes; k++) {
        int i = n * classes + k;
        io.out(0)[0] += t[i] * (Math.log(sum) + max - x[i]) / rows;
      }
    }
    softmaxRows(x, io.inShape(0), io.out(1));
  }

  static void softmaxCrossEntropyBackward(SoftmaxCrossEntropyBackward op, Operands io) {
    double[] p = io.in(0);
    double g = io.in(2)[0];
    int rows = io.inShape(0).dim(0);
    int classes = io.inShape(0).dim(1);
    double[] t = Labels.targets(io, 1, io.inShape(0), op.labelSmoothing());
    for (int n = 0; n < rows; n++) {
      double mass = 0;
      for (int k = 0; k < classes; k++) {
        mass += t[n * classes + k];
      }
      for (int k = 0; k < classes; k++) {
        int i = n * classes + k;
        io.out(0)[i] = g * (p[i] * mass - t[i]) / rows;
      }
    }
  }

  static void meanSquaredError(MeanSquaredError op, Operands io) {
    double[] x = io.in(0);
    double[] t = io.in(1);
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += (x[i] - t[i]) * (x[i] - t[i]);
    }
    io.out(0)[0] = sum / x.length;
  }

  static void meanSquaredErrorBackward(MeanSquaredErrorBackward op, Operands io) {
    double[] x = io.in(0);
    double[] t = io.in(1);
    double g = io.in(2)[0];
    for (int i = 0; i < x.length; i++) {
      io.out(0)[i] = 2 * g * (x[i] - t[i]) / x.length;
    }
  }

  static void weightPenalty(WeightPenalty op, Operands io) {
    for (double w : io.in(0)) {
      io.out(0)[0] += op.l1() * Math.abs(w) + op.l2() * w * w;
    }
  }

  static void weightPenaltyBackward(WeightPenaltyBackward op, Operands io) {
    double[] w = io.in(0);
    double g = io.in(1)[0];
    for (int i = 0; i < w.length; i++) {
      io.out(0)[i] = g * (op.l1() * Math.signum(w[i]) + 2 * op.l2() * w[i]);
    }
  }
}
