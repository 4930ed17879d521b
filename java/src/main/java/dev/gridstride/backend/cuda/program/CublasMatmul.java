package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.program.MatmulLaunches.Product;
import dev.gridstride.backend.cuda.vendor.Cublas;
import dev.gridstride.backend.cuda.vendor.Gemm;
import dev.gridstride.backend.cuda.vendor.Gemm.Arithmetic;
import dev.gridstride.backend.cuda.vendor.Gemm.Operand;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;

/**
 * Matrix products by cuBLAS, and convolutions that are nothing else: of 1x1, a product of pixels by
 * channels, for several groups as many products at equal distances in memory. Bias, ReLU, a second
 * result in bfloat16 and the bias's gradient are left to the project's own kernels, behind it.
 */
final class CublasMatmul {
  /** Parts of a sum that has been summed up already. */
  private static final int WHOLE = 1;

  private CublasMatmul() {}

  static void matmul(Matmul op, Emitter e) {
    MatmulLaunches.matmul(op, e, CublasMatmul::multiply);
  }

  static void dense(Dense op, Emitter e) {
    MatmulLaunches.dense(op, e, CublasMatmul::multiply);
  }

  static void denseBackwardData(DenseBackwardData op, Emitter e) {
    MatmulLaunches.denseBackwardData(op, e, CublasMatmul::multiply);
  }

  static void denseBackwardWeights(DenseBackwardWeights op, Emitter e) {
    MatmulLaunches.denseBackwardWeights(op, e, CublasMatmul::multiply);
  }

  static void conv2d(Conv2d op, Emitter e) {
    Conv2dLaunches.Sizes s =
        sizes(op, e, e.input(0).shape(), e.input(1).shape(), e.output(0).shape());
    Gemm gemm =
        gemm(
            e,
            size(e, s.outPixels(), "pixels"),
            s.oc(),
            s.ic(),
            new Operand(false, s.inChannels(), s.ic()),
            new Operand(true, s.ic(), weights(s)),
            new Operand(false, s.outChannels(), s.oc()),
            s.groups());
    Result result = new Result(e.float32Out(), s.outPixels(), s.outChannels());
    multiply(e, gemm, result, e.in(0), e.in(1), e.optionalIn(2), op.relu());
  }

  static void conv2dBackwardData(Conv2dBackwardData op, Emitter e) {
    Conv2dLaunches.Sizes s =
        sizes(op.conv(), e, op.inputShape(), e.input(1).shape(), e.input(0).shape());
    Gemm gemm =
        gemm(
            e,
            size(e, s.outPixels(), "pixels"),
            s.ic(),
            s.oc(),
            new Operand(false, s.outChannels(), s.oc()),
            new Operand(false, s.ic(), weights(s)),
            new Operand(false, s.inChannels(), s.ic()),
            s.groups());
    Result result = new Result(e.float32Out(), s.outPixels(), s.inChannels());
    multiply(e, gemm, result, e.in(0), e.in(1), Place.NULL, false);
  }

  static void conv2dBackwardWeights(Conv2dBackwardWeights op, Emitter e) {
    Conv2dLaunches.Sizes s =
        sizes(op.conv(), e, e.input(0).shape(), op.weightShape(), e.input(1).shape());
    Gemm gemm =
        gemm(
            e,
            s.oc(),
            s.ic(),
            size(e, s.outPixels(), "pixels"),
            new Operand(true, s.outChannels(), s.oc()),
            new Operand(false, s.inChannels(), s.ic()),
            new Operand(false, s.ic(), weights(s)),
            s.groups());
    Result result = new Result(e.out(0), s.outChannels(), s.ic());
    multiply(e, gemm, result, e.in(1), e.in(0), Place.NULL, false);
    if (op.bias()) {
      columnSums(e, e.out(1), e.in(1), s.outPixels(), s.outChannels());
    }
  }

  private static Conv2dLaunches.Sizes sizes(Conv2d conv, Emitter e, Shape x, Shape w, Shape y) {
    Conv2dLaunches.Sizes sizes = Conv2dLaunches.Sizes.of(conv, x, w, y, e);
    if (!sizes.isPixelByPixel()) {
      throw e.unsupported(
          "it has matrix products alone, which of convolutions are those with a kernel of 1x1 that"
              + " skip and pad nothing");
    }
    return sizes;
  }

  private static long weights(Conv2dLaunches.Sizes s) {
    return (long) s.oc() * s.ic();
  }

  /**
   * As {@link MatmulLaunches#launch}.
   *
   * @param sums [m], sums of the rows of op(a), which is transposed, or null
   */
  private static void multiply(
      Emitter e, Product product, Place y, Place sums, Place a, Place b, Place bias, boolean relu) {
    int m = size(e, product.m(), "rows");
    int n = size(e, product.n(), "columns");
    int k = size(e, product.k(), "products a sum");
    Gemm gemm =
        gemm(
            e,
            m,
            n,
            k,
            new Operand(product.transposeA(), product.transposeA() ? m : k, 0),
            new Operand(product.transposeB(), product.transposeB() ? k : n, 0),
            new Operand(false, n, 0),
            1);
    multiply(e, gemm, new Result(y, m, n), a, b, bias, relu);
    if (!sums.isNull()) {
      columnSums(e, sums, a, k, m);
    }
  }

  private static int size(Emitter e, long number, String what) {
    if (number > Integer.MAX_VALUE) {
      throw e.unsupported(number + " " + what + " are above cuBLAS's 2^31 - 1");
    }
    return (int) number;
  }

  private static Gemm gemm(
      Emitter e, int m, int n, int k, Operand a, Operand b, Operand y, int groups) {
    boolean small = writesBfloat16(e);
    return new Gemm(m, n, k, a, b, y, arithmetic(e), small, groups);
  }

  /** Whether bfloat16 is all that is wanted of the product, with nothing to be done in between. */
  private static boolean writesBfloat16(Emitter e) {
    boolean more =
        (e.node().op() instanceof Dense dense && (dense.relu() || e.inputs() > 2))
            || (e.node().op() instanceof Conv2d conv && (conv.relu() || e.inputs() > 2));
    return !more && !e.bfloat16Out().isNull() && e.float32Out().isNull();
  }

  private static Arithmetic arithmetic(Emitter e) {
    if (e.input(0).type().dtype() == DataType.BFLOAT16) {
      TensorCores.check(e);
      return Arithmetic.BF16;
    }
    Arithmetic arithmetic = e.precision() == Precision.TF32 ? Arithmetic.TF32 : Arithmetic.FLOAT32;
    String problem = VendorLibraries.tf32Problem(arithmetic == Arithmetic.TF32);
    if (problem != null) {
      throw e.unsupported(problem);
    }
    return arithmetic;
  }

  /**
   * Where a product goes.
   *
   * @param float32 null where its bfloat16 alone is wanted
   */
  private record Result(Place float32, long rows, int columns) {}

  private static void multiply(
      Emitter e, Gemm gemm, Result result, Place a, Place b, Place bias, boolean relu) {
    Cublas cublas = e.cublas();
    Place small = e.bfloat16Out();
    boolean last = !bias.isNull() || relu;
    long elements = result.rows * result.columns;
    Place product =
        gemm.bfloat16Result()
            ? small
            : result.float32.isNull() ? e.scratch(elements * Float.BYTES) : result.float32;
    e.call(cublas.gemm(gemm), product, a, b, e.scratch(cublas.workspaceBytes(gemm)));
    Place half = gemm.bfloat16Result() ? Place.NULL : small;
    if (last || !half.isNull()) {
      Place again = last ? result.float32 : Place.NULL;
      int rows = size(e, result.rows, "rows");
      MatmulTensorLaunches.sumParts(
          e, again, half, product, bias, WHOLE, rows, result.columns, relu);
    }
  }

  private static void columnSums(Emitter e, Place sums, Place from, long rows, int columns) {
    TensorCores type =
        e.input(0).type().dtype() == DataType.BFLOAT16 ? TensorCores.BF16 : TensorCores.TF32;
    Conv2dTensorLaunches.columnSums(e, type, sums, from, rows, columns);
  }
}
