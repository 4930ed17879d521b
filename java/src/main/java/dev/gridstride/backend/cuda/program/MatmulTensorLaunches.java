package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;

/** Launches of {@code matmul_tensor.cu}: matrix products on tensor cores. */
final class MatmulTensorLaunches {
  private static final String FILE = "matmul_tensor";

  /** A block's part of c, and its threads. */
  private enum Tile {
    SMALL(64, 128),
    LARGE(128, 256);

    final int side;
    final int threads;

    Tile(int side, int threads) {
      this.side = side;
      this.threads = threads;
    }

    long count(int m, int n) {
      return Dim.ceilDiv(m, side) * Dim.ceilDiv(n, side);
    }

    @Override
    public String toString() {
      return side + "x" + side;
    }
  }

  private MatmulTensorLaunches() {}

  /**
   * {@code c = act(op(a) op(b) + bias)}.
   *
   * @param type of a and b
   * @param transposeA whether a is [k, m] instead of [m, k]
   * @param transposeB whether b is [n, k] instead of [k, n]; not both
   * @param c [m, n] float32, or {@link Place#NULL}
   * @param bfloat16C [m, n] bfloat16, or {@link Place#NULL}; for {@link TensorCores#BF16} only
   * @param bias [n] float32, or {@link Place#NULL}
   * @param relu whether act is {@code max(v, 0)}
   */
  static void matmul(
      Emitter e,
      TensorCores type,
      boolean transposeA,
      boolean transposeB,
      Place c,
      Place bfloat16C,
      Place a,
      Place b,
      Place bias,
      int m,
      int n,
      int k,
      boolean relu) {
    TensorCores.check(e);
    if (transposeA && transposeB) {
      throw e.unsupported("no kernel on tensor cores has both matrices transposed");
    }
    if (type == TensorCores.TF32 && !bfloat16C.isNull()) {
      throw e.unsupported("TF32 kernels write float32 only");
    }
    Tile tile = Tile.LARGE.count(m, n) >= e.multiprocessors() ? Tile.LARGE : Tile.SMALL;
    int parts = type.parts(tile.count(m, n), k, e.multiprocessors());
    Dim grid = Dim.of(Dim.ceilDiv(m, tile.side), Dim.ceilDiv(n, tile.side), parts);
    String kernel =
        "matmul_"
            + (transposeA ? "t" : "n")
            + (transposeB ? "t" : "n")
            + "_"
            + tile
            + "_"
            + type.suffix();
    Dim block = Dim.of(tile.threads);
    boolean whole = parts == 1;
    Place out = whole ? c : e.scratch(4L * parts * m * n);
    Place to16 = whole ? bfloat16C : Place.NULL;
    Place addend = whole ? bias : Place.NULL;
    int act = whole && relu ? 1 : 0;
    if (type == TensorCores.TF32) {
      e.launch(FILE, kernel, grid, block, 0, out, a, b, addend, m, n, k, act);
    } else {
      e.launch(FILE, kernel, grid, block, 0, out, to16, a, b, addend, m, n, k, act);
    }
    if (!whole) {
      sumParts(e, c, bfloat16C, out, bias, parts, m, n, relu);
    }
  }

  /**
   * {@code c = act(bias + sum of the parts)}, first to last.
   *
   * @param parts [count, m, n] float32
   */
  static void sumParts(
      Emitter e,
      Place c,
      Place bfloat16C,
      Place parts,
      Place bias,
      int count,
      int m,
      int n,
      boolean relu) {
    Dim grid = Dim.of(Dim.ceilDiv((long) m * n, 1024));
    e.launch(
        FILE,
        "matmul_sum_parts_f32",
        grid,
        Dim.of(256),
        0,
        c,
        bfloat16C,
        parts,
        bias,
        count,
        m,
        n,
        relu ? 1 : 0);
  }
}
