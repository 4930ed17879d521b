package dev.gridstride.backend.reference;

import dev.gridstride.program.Shape;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.BiasBackward;

/** Tensors [N, C, ...] seen channel by channel, and the bias ops, which are little else. */
final class Channels {
  private Channels() {}

  static void biasAdd(BiasAdd op, Operands io) {
    System.arraycopy(io.in(0), 0, io.out(0), 0, io.out(0).length);
    addBias(io.out(0), io.outShape(0), io.in(1));
  }

  static void biasBackward(BiasBackward op, Operands io) {
    sum(io.in(0), io.inShape(0), io.out(0));
  }

  /** {@code y[n,c,...] += bias[c]}. */
  static void addBias(double[] y, Shape shape, double[] bias) {
    for (int i = 0; i < y.length; i++) {
      y[i] += bias[of(shape, i)];
    }
  }

  /** {@code sums[c] += sum of y[n,c,...]}. */
  static void sum(double[] y, Shape shape, double[] sums) {
    for (int i = 0; i < y.length; i++) {
      sums[of(shape, i)] += y[i];
    }
  }

  /** The channel of flat element {@code i}. */
  static int of(Shape shape, int i) {
    return i / plane(shape) % shape.dim(1);
  }

  /** Number of elements of one channel of one sample. */
  static int plane(Shape shape) {
    return Math.toIntExact(shape.elementsPerRow()) / shape.dim(1);
  }
}
