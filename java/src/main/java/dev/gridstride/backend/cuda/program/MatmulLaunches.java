package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.program.TilePlan.Tile;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;
import java.util.List;

/** Launches of {@code matmul.cu}. */
final class MatmulLaunches {
  private static final String FILE = "matmul";

  /** A thread of these computes 8x8, 8x4 and 4x4 elements. */
  static final List<Tile> TILES =
      List.of(
          new Tile("128x128", 128, 128, 256, 1.0),
          new Tile("64x64", 64, 64, 128, 0.85),
          new Tile("32x32", 32, 32, 64, 0.6));

  private static final int SUM_COLS = 32;
  private static final int SUM_ROWS = 8;

  private MatmulLaunches() {}

  /**
   * A product {@code y[m,n] = op(a) op(b)}.
   *
   * @param transposeA whether a is stored [k,m]
   * @param transposeB whether b is stored [n,k]
   */
  record Product(long m, long n, long k, boolean transposeA, boolean transposeB) {}

  /** Who computes a product. */
  @FunctionalInterface
  interface Multiplier {
    /** As {@link MatmulLaunches#launch}. */
    void multiply(
        Emitter e,
        Product product,
        Place y,
        Place sums,
        Place a,
        Place b,
        Place bias,
        boolean relu);
  }

  static void matmul(Matmul op, Emitter e) {
    matmul(op, e, MatmulLaunches::launch);
  }

  static void matmul(Matmul op, Emitter e, Multiplier by) {
    Shape a = e.input(0).shape();
    Shape y = e.output(0).shape();
    Product product =
        new Product(
            y.dim(0), y.dim(1), a.dim(op.transposeA() ? 0 : 1), op.transposeA(), op.transposeB());
    by.multiply(e, product, e.float32Out(), Place.NULL, e.in(0), e.in(1), Place.NULL, false);
  }

  static void dense(Dense op, Emitter e) {
    dense(op, e, MatmulLaunches::launch);
  }

  static void dense(Dense op, Emitter e, Multiplier by) {
    Shape w = e.input(1).shape();
    Product product = new Product(e.input(0).shape().dim(0), w.dim(0), w.dim(1), false, true);
    boolean match = e.matches(e.input(1), e.input(0));
    Place x = match ? e.in(0) : e.rowMajorIn(0);
    Place weight = match ? e.storedIn(1) : e.in(1);
    by.multiply(e, product, e.float32Out(), Place.NULL, x, weight, e.optionalIn(2), op.relu());
  }

  static void denseBackwardData(DenseBackwardData op, Emitter e) {
    denseBackwardData(op, e, MatmulLaunches::launch);
  }

  static void denseBackwardData(DenseBackwardData op, Emitter e, Multiplier by) {
    Shape w = e.input(1).shape();
    Product product = new Product(e.input(0).shape().dim(0), w.dim(1), w.dim(0), false, false);
    boolean match = e.matches(e.input(1), e.output(0));
    Place dx = match ? e.float32Out() : e.rowMajorOut(0);
    Place weight = match ? e.storedIn(1) : e.in(1);
    by.multiply(e, product, dx, Place.NULL, e.in(0), weight, Place.NULL, false);
  }

  static void denseBackwardWeights(DenseBackwardWeights op, Emitter e) {
    denseBackwardWeights(op, e, MatmulLaunches::launch);
  }

  static void denseBackwardWeights(DenseBackwardWeights op, Emitter e, Multiplier by) {
    Shape dw = e.output(0).shape();
    Product product = new Product(dw.dim(0), dw.dim(1), e.input(1).shape().dim(0), true, false);
    boolean match = e.matches(e.output(0), e.input(0));
    Place x = match ? e.in(0) : e.rowMajorIn(0);
    Place gradient = match ? e.storedOut(0) : e.out(0);
    Place db = op.bias() ? e.out(1) : Place.NULL;
    by.multiply(e, product, gradient, db, e.in(1), x, Place.NULL, false);
  }

  /**
   * {@code y = act(op(a) op(b) + bias)}, all row-major; on tensor cores if the node's factors are
   * for them.
   *
   * @param sums [m], sums of the rows of op(a), which is transposed, or null
   * @param a of the type of the node's inputs 0 and 1, as is b
   * @param bias [n], or null
   */
  static void launch(
      Emitter e, Product product, Place y, Place sums, Place a, Place b, Place bias, boolean relu) {
    TensorCores type = TensorCores.of(e);
    if (type == null) {
      DataType dtype = e.input(0).type().dtype();
      Place a32 = e.toFloat32(a, dtype, Math.multiplyExact(product.m, product.k));
      Place b32 = e.toFloat32(b, dtype, Math.multiplyExact(product.k, product.n));
      launchFloat32(e, product, y, sums, a32, b32, bias, relu);
      return;
    }
    int m = TilePlan.size(e, product.m, "rows");
    int n = TilePlan.size(e, product.n, "columns");
    int k = TilePlan.size(e, product.k, "inner dimension");
    MatmulTensorLaunches.matmul(
        e,
        type,
        product.transposeA,
        product.transposeB,
        y,
        e.bfloat16Out(),
        a,
        b,
        bias,
        m,
        n,
        k,
        relu);
    if (!sums.isNull()) {
      Conv2dTensorLaunches.columnSums(e, type, sums, a, k, m);
    }
  }

  private static void launchFloat32(
      Emitter e, Product product, Place y, Place sums, Place a, Place b, Place bias, boolean relu) {
    int k = TilePlan.size(e, product.k, "inner dimension");
    TilePlan plan = TilePlan.of(product.m, product.n, k, 1, true, e.multiprocessors(), TILES);
    if (plan == null) {
      throw e.unsupported("no grid has room for " + product.n + " columns");
    }
    launch(e, product, plan, y, sums, a, b, bias, relu);
  }

  /** Of float32 factors, by this plan. */
  static void launch(
      Emitter e,
      Product product,
      TilePlan plan,
      Place y,
      Place sums,
      Place a,
      Place b,
      Place bias,
      boolean relu) {
    int m = TilePlan.size(e, product.m, "rows");
    int n = TilePlan.size(e, product.n, "columns");
    int k = TilePlan.size(e, product.k, "inner dimension");
    Splits splits = new Splits(e, plan.splits(), y, product.m * n, sums, m, bias, relu);
    Tile tile = plan.tile();
    e.launch(
        FILE,
        "matmul_" + tile.name() + "_f32",
        Dim.of(Dim.ceilDiv(m, tile.rows()), Dim.ceilDiv(n, tile.cols()), plan.splits()),
        Dim.of(tile.threads()),
        0,
        splits.y,
        splits.sums,
        a,
        b,
        splits.bias,
        m,
        n,
        k,
        plan.depth(),
        splits.pitch,
        product.transposeA ? 1 : 0,
        product.transposeB ? 1 : 0,
        splits.relu);
    splits.add(n);
  }

  /**
   * Where a product that may be split writes: to its results, or to partial results that are added
   * up afterwards; then bias and ReLU come with the second stage.
   */
  static final class Splits {
    /** Arguments for the product's kernel. */
    final Place y;

    final Place sums;
    final Place bias;
    final long pitch;
    final int relu;

    private final Emitter e;
    private final int splits;
    private final Place finalY;
    private final long count;
    private final Place finalSums;
    private final int sumCount;
    private final Place finalBias;
    private final boolean finalRelu;

    /**
     * Makes room for partial results, if there are several splits.
     *
     * @param count elements of y
     * @param sumCount elements of sums, which is null if they are not wanted
     */
    Splits(
        Emitter e,
        int splits,
        Place y,
        long count,
        Place sums,
        int sumCount,
        Place bias,
        boolean relu) {
      this.e = e;
      this.splits = splits;
      this.count = count;
      this.sumCount = sums.isNull() ? 0 : sumCount;
      finalY = y;
      finalSums = sums;
      finalBias = bias;
      finalRelu = relu;
      pitch = Dim.ceilDiv(count + this.sumCount, 4) * 4; // keeps 128-bit stores aligned
      if (splits == 1) {
        this.y = y;
        this.sums = sums;
        this.bias = bias;
        this.relu = relu ? 1 : 0;
      } else {
        this.y = e.scratch(Math.multiplyExact(pitch * splits, Float.BYTES));
        this.sums = sums.isNull() ? sums : this.y.plus(count * Float.BYTES);
        this.bias = Place.NULL;
        this.relu = 0;
      }
    }

    /**
     * The second stage.
     *
     * @param n length of the bias: element i of y gets number i modulo n
     */
    void add(int n) {
      if (splits == 1) {
        return;
      }
      e.launch(
          FILE,
          "split_k_sum_f32",
          Dim.of(Dim.ceilDiv(count + sumCount, SUM_COLS)),
          Dim.of(SUM_COLS, Math.min(splits, SUM_ROWS)),
          0,
          finalY,
          finalSums,
          y,
          finalBias,
          count,
          n,
          sumCount,
          splits,
          pitch,
          finalRelu ? 1 : 0);
    }
  }
}
