package dev.gridstride.backend.reference;

import dev.gridstride.program.DataType;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.Dropout;
import dev.gridstride.program.op.Fill;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.ReluBackward;
import dev.gridstride.program.op.Reshape;
import java.util.Arrays;

/** Ops that treat each element by itself. */
final class ElementwiseKernels {
  private ElementwiseKernels() {}

  static void add(Add op, Operands io) {
    double[] y = io.out(0);
    for (int i = 0; i < y.length; i++) {
      y[i] = io.in(0)[i] + io.in(1)[i];
    }
  }

  static void fill(Fill op, Operands io) {
    Arrays.fill(io.out(0), op.value());
  }

  static void cast(Cast op, Operands io) {
    double[] x = io.in(0);
    double[] y = io.out(0);
    for (int i = 0; i < y.length; i++) {
      y[i] = op.to() == DataType.BFLOAT16 ? nearestBfloat16(x[i]) : x[i];
    }
  }

  /** The nearest number with 8 significant bits and float32's exponents, ties to even. */
  private static double nearestBfloat16(double x) {
    int exponent = Math.max(Math.getExponent(x), Float.MIN_EXPONENT);
    double unit = Math.scalb(1.0, exponent - 7);
    double nearest = Math.rint(x / unit) * unit;
    return Math.abs(nearest) < 0x1p128 ? nearest : nearest * Double.POSITIVE_INFINITY;
  }

  static void reshape(Reshape op, Operands io) {
    System.arraycopy(io.in(0), 0, io.out(0), 0, io.out(0).length);
  }

  static void relu(Relu op, Operands io) {
    System.arraycopy(io.in(0), 0, io.out(0), 0, io.out(0).length);
    reluInPlace(io.out(0));
  }

  /** {@code Math.max} keeps NaN. */
  static void reluInPlace(double[] y) {
    for (int i = 0; i < y.length; i++) {
      y[i] = Math.max(y[i], 0);
    }
  }

  static void reluBackward(ReluBackward op, Operands io) {
    double[] dx = io.out(0);
    for (int i = 0; i < dx.length; i++) {
      dx[i] = io.in(1)[i] > 0 ? io.in(0)[i] : 0;
    }
  }

  static void dropout(Dropout op, Operands io) {
    double[] x = io.in(0);
    double[] y = io.out(0);
    long step = io.inIntegers(1)[0];
    for (int i = 0; i < y.length; i++) {
      long word = Randomness.philox(op.seed(), i / 4, step)[i % 4];
      y[i] = Randomness.uniform(word) < op.rate() ? 0 : x[i] / (1 - (double) op.rate());
    }
  }
}
