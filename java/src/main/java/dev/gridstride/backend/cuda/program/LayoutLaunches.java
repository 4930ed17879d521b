package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Reshape;

/** Launches of {@code layout.cu}. */
final class LayoutLaunches {
  /** Elements of a tile, and its side where the matrix has no shorter one. */
  private static final int TILE = 1024;

  private static final int SIDE = 32;

  private LayoutLaunches() {}

  /**
   * A copy where the order in memory stays the same, else one or two permutations: into row-major
   * order, and out of it.
   */
  static void reshape(Reshape op, Emitter e) {
    Shape from = e.input(0).shape();
    Shape to = e.output(0).shape();
    DataType dtype = e.output(0).type().dtype();
    if (from.equals(to)) {
      e.copy(e.out(0), e.in(0), e.output(0).type().bytes());
    } else if (Layout.moves(to)) {
      toChannelsLast(e, e.out(0), e.rowMajorIn(0), ChannelsLast.of(to), dtype);
    } else if (Layout.moves(from)) {
      toRowMajor(e, e.out(0), e.in(0), ChannelsLast.of(from), dtype);
    } else {
      e.copy(e.out(0), e.in(0), e.output(0).type().bytes());
    }
  }

  /** {@code to [N,C,H,W] = from [N,H,W,C]}. */
  static void toRowMajor(Emitter e, Place to, Place from, ChannelsLast sizes, DataType dtype) {
    int pixels = e.int32(sizes.pixels(), "an image");
    transpose(e, to, from, sizes.n(), pixels, sizes.c(), dtype);
  }

  /** {@code to [N,H,W,C] = from [N,C,H,W]}. */
  static void toChannelsLast(Emitter e, Place to, Place from, ChannelsLast sizes, DataType dtype) {
    int pixels = e.int32(sizes.pixels(), "an image");
    transpose(e, to, from, sizes.n(), sizes.c(), pixels, dtype);
  }

  /** {@code to [n,columns,rows] = from [n,rows,columns]}. */
  private static void transpose(
      Emitter e, Place to, Place from, int n, int rows, int columns, DataType dtype) {
    int tileRows = Math.min(rows, columns < SIDE ? TILE / columns : SIDE);
    int tileColumns = Math.min(columns, rows < SIDE ? TILE / rows : SIDE);
    long tiles = Dim.ceilDiv(rows, tileRows) * Dim.ceilDiv(columns, tileColumns);
    Object[] args = {to, from, rows, columns, tileRows, tileColumns};
    String kernel = "transpose_b" + 8 * dtype.bytes();
    e.launch("layout", kernel, Dim.of(n * tiles), Blocks.ALL, 0, args);
  }
}
