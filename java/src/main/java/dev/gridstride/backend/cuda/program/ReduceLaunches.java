package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.op.BiasBackward;

/** Launches of {@code reduce.cu}. */
final class ReduceLaunches {
  private static final String FILE = "reduce";

  /** Rows or elements of a thread at least: less, and the second stage costs more than it saves. */
  private static final int LEAST_PER_THREAD = 8;

  /** Results of the first stage at most. */
  private static final int MOST_CHUNKS = 1024;

  private ReduceLaunches() {}

  static void biasBackward(BiasBackward op, Emitter e) {
    Channels dy = Channels.of(e.input(0).shape());
    if (dy.inner() == 1) {
      columnSums(e, e.out(0), e.in(0), dy.outer(), dy.channels());
    } else {
      long rows = dy.outer() * dy.channels();
      Place sums = e.scratch(rows * Float.BYTES);
      Dim block = Blocks.rows(dy.inner(), Blocks.WARP);
      Dim grid = Dim.of(Dim.ceilDiv(rows, block.y()));
      e.launch(FILE, "row_sum_f32", grid, block, 0, sums, e.in(0), rows, dy.inner());
      columnSums(e, e.out(0), sums, dy.outer(), dy.channels());
    }
  }

  /**
   * {@code to[c] = sum of from[r,c] over r}, float32, in a fixed order.
   *
   * @param to [columns]
   * @param from [rows, columns], row-major
   */
  static void columnSums(Emitter e, Place to, Place from, long rows, int columns) {
    int vectors = columns / Blocks.vector(columns);
    Dim block = Blocks.rows(vectors, Blocks.WARP);
    long tiles = Dim.ceilDiv(vectors, block.x());
    int chunk = e.int32(chunk(rows, block.y()), "rows of a chunk");
    long chunks = Dim.ceilDiv(rows, chunk);
    Place sums = chunks == 1 ? to : e.scratch(chunks * columns * Float.BYTES);
    Dim grid = Dim.of(chunks, tiles);
    e.launch(FILE, "column_sum_f32", grid, block, 0, sums, from, rows, columns, chunk);
    if (chunks > 1) {
      int all = (int) chunks;
      Dim one = Dim.of(1, tiles);
      e.launch(FILE, "column_sum_f32", one, block, 0, to, sums, chunks, columns, all);
    }
  }

  /** {@code to = factor * sum of from[i]}, float32, in a fixed order. */
  static void sum(Emitter e, Place to, Place from, long count, float factor) {
    int chunk = e.int32(chunk(count, Blocks.THREADS), "elements of a chunk");
    long chunks = Dim.ceilDiv(count, chunk);
    Place sums = chunks == 1 ? to : e.scratch(chunks * Float.BYTES);
    Dim block = Dim.of(Blocks.THREADS);
    e.launch(FILE, "sum_f32", Dim.of(chunks), block, 0, sums, from, count, chunk, factor);
    if (chunks > 1) {
      e.launch(FILE, "sum_f32", Dim.of(1), block, 0, to, sums, chunks, (int) chunks, 1f);
    }
  }

  /**
   * Rows or elements of a chunk: {@link #LEAST_PER_THREAD} for each of so many threads, more where
   * there would be more than {@link #MOST_CHUNKS}. It depends on the size alone, and so do the bits
   * of the sum.
   */
  static long chunk(long size, int threads) {
    long perThread = Dim.ceilDiv(size, (long) MOST_CHUNKS * threads);
    return threads * Math.max(LEAST_PER_THREAD, perThread);
  }
}
