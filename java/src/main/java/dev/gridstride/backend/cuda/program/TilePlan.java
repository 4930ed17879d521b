package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import java.util.List;

/**
 * How a matrix product [m,n] over k is cut up: into which tiles, one a block, and k into how many
 * splits, whose partial results a second kernel adds up. A pure function of the sizes and the
 * device, so that results are the same bits every time.
 *
 * @param tile what a block computes
 * @param splits parts of k; 1 for no second stage
 * @param depth elements of k in a split, a multiple of {@link #UNIT} if there are several
 */
record TilePlan(Tile tile, int splits, int depth) {
  /**
   * A kernel's tile.
   *
   * @param name as in the kernel's name, {@code 64x32}
   * @param rate part of the peak that its inner loop reaches: the less a thread computes from what
   *     it reads from shared memory, the lower
   */
  record Tile(String name, int rows, int cols, int threads, double rate) {
    /** Blocks that it takes to cover [m,n]. */
    long blocks(long m, long n) {
      return Dim.ceilDiv(m, rows) * Dim.ceilDiv(n, cols);
    }
  }

  /** Every kernel's slice of k divides this. */
  static final int UNIT = 32;

  /** Below two units a block does little but start and end. */
  private static final int LEAST_DEPTH = 2 * UNIT;

  private static final int LARGEST_TILE = 128;

  /** Blocks along y and z of a grid at most. */
  static final int MOST_BLOCKS = 65_535;

  // The model of the device, in clocks. It need not be right, only rank the choices.
  private static final double MULTIPLY_ADDS = 128; // a clock, of one multiprocessor
  private static final double BUSY_WARPS = 8; // on a multiprocessor, two for each scheduler
  private static final double SECOND_LAUNCH = 4000; // drain, launch and fill in a graph
  private static final double BYTES = 1200; // a clock, of the device, from its level 2 cache

  /** A size as the kernels take it: the end of a tile past it must be an int too. */
  static int size(Emitter e, long size, String what) {
    return e.int32(size + LARGEST_TILE, what) - LARGEST_TILE;
  }

  /**
   * The plan with the shortest estimated time.
   *
   * @param products independent products of these sizes in one launch, as many as groups
   * @param split whether k may be split
   * @return null if no grid covers [m,n] with these tiles
   */
  static TilePlan of(
      long m, long n, int k, int products, boolean split, int multiprocessors, List<Tile> tiles) {
    TilePlan best = null;
    double least = Double.POSITIVE_INFINITY;
    for (Tile tile : tiles) {
      if (Dim.ceilDiv(n, tile.cols) > MOST_BLOCKS) {
        continue;
      }
      long blocks = tile.blocks(m, n) * products;
      // Beyond 8 blocks for each multiprocessor there is nothing left to fill.
      long most = split ? Math.min(k / LEAST_DEPTH, 8L * multiprocessors / blocks) : 1;
      most = Math.min(most, MOST_BLOCKS / products);
      for (int wanted = 1; wanted <= Math.max(most, 1); wanted++) {
        int depth = wanted == 1 ? k : (int) (Dim.ceilDiv(k, (long) wanted * UNIT) * UNIT);
        int splits = (int) Dim.ceilDiv(k, depth);
        double clocks = clocks(tile, blocks * splits, depth, multiprocessors);
        if (splits > 1) {
          double traffic = 2.0 * Float.BYTES * splits * m * n * products; // written and read
          clocks += SECOND_LAUNCH + traffic / BYTES;
        }
        if (clocks < least) {
          least = clocks;
          best = new TilePlan(tile, splits, depth);
        }
      }
    }
    return best;
  }

  /** The multiprocessor with the most blocks decides; with few warps it waits half of the time. */
  private static double clocks(Tile tile, long blocks, int depth, int multiprocessors) {
    double perMultiprocessor = Dim.ceilDiv(blocks, multiprocessors);
    double warps = perMultiprocessor * tile.threads / Blocks.WARP;
    double rate = MULTIPLY_ADDS * tile.rate * Math.min(1, warps / BUSY_WARPS);
    return perMultiprocessor * tile.rows * tile.cols * depth / rate;
  }
}
