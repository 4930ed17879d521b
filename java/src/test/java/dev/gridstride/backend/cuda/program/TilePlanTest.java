package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.program.TilePlan.Tile;
import java.util.List;
import org.junit.jupiter.api.Test;

class TilePlanTest {
  /** Of an H100. */
  private static final int MULTIPROCESSORS = 132;

  private static final List<List<Tile>> ALL =
      List.of(MatmulLaunches.TILES, Conv2dLaunches.PIXEL_TILES, Conv2dLaunches.WEIGHT_TILES);

  private static TilePlan matmul(long m, long n, int k) {
    return TilePlan.of(m, n, k, 1, true, MULTIPROCESSORS, MatmulLaunches.TILES);
  }

  private static long blocks(TilePlan plan, long m, long n) {
    return plan.tile().blocks(m, n) * plan.splits();
  }

  @Test
  void splitsCoverTheInnerDimensionOnce() {
    int[] sizes = {1, 7, 63, 64, 65, 127, 128, 129, 2304, 57_600};
    for (List<Tile> tiles : ALL) {
      for (int m : sizes) {
        for (int k : sizes) {
          TilePlan plan = TilePlan.of(m, 33, k, 3, true, MULTIPROCESSORS, tiles);
          long before = (plan.splits() - 1L) * plan.depth();
          assertTrue(before < k && k <= before + plan.depth(), () -> k + " by " + plan);
          assertTrue(plan.splits() == 1 || plan.depth() % TilePlan.UNIT == 0, plan::toString);
        }
      }
    }
  }

  @Test
  void denseOfTheReferenceNetworkIsSplitToFillTheCard() {
    TilePlan plan = matmul(64, 128, 2304);
    assertTrue(plan.splits() > 8);
    assertTrue(blocks(plan, 64, 128) > MULTIPROCESSORS);
  }

  @Test
  void weightGradientsOfTheReferenceNetworkAreSplitToFillTheCard() {
    List<Tile> tiles = Conv2dLaunches.WEIGHT_TILES;
    TilePlan conv1 = TilePlan.of(32, 27, 57_600, 1, true, MULTIPROCESSORS, tiles);
    TilePlan conv2 = TilePlan.of(64, 288, 10_816, 1, true, MULTIPROCESSORS, tiles);
    assertEquals("32x32", conv1.tile().name());
    assertTrue(blocks(conv1, 32, 27) > MULTIPROCESSORS);
    assertTrue(blocks(conv2, 64, 288) > MULTIPROCESSORS);
  }

  @Test
  void largeMatricesTakeTheLargestTileWhole() {
    TilePlan plan = matmul(4096, 4096, 4096);
    assertEquals("128x128", plan.tile().name());
    assertEquals(1, plan.splits());
  }

  @Test
  void skinnyMatricesTakeTheSmallestTile() {
    assertEquals("32x32", matmul(64, 10, 128).tile().name());
  }

  @Test
  void shortInnerDimensionsAreNotSplit() {
    assertEquals(1, matmul(1, 1, 127).splits());
  }

  @Test
  void noSplitWhereNoneIsAllowed() {
    TilePlan plan = TilePlan.of(8, 8, 100_000, 1, false, MULTIPROCESSORS, MatmulLaunches.TILES);
    assertEquals(1, plan.splits());
    assertEquals(100_000, plan.depth());
  }

  @Test
  void gridsStayWithinTheDevice() {
    for (long n : new long[] {65_535L * 32, 65_535L * 32 + 1, 65_535L * 128}) {
      TilePlan plan = matmul(1, n, 64);
      assertTrue(Dim.ceilDiv(n, plan.tile().cols()) <= TilePlan.MOST_BLOCKS);
    }
    assertNull(matmul(1, 65_535L * 128 + 1, 64));
    TilePlan groups =
        TilePlan.of(8, 8, 1 << 20, 40_000, true, MULTIPROCESSORS, Conv2dLaunches.PIXEL_TILES);
    assertTrue(groups.splits() * 40_000L <= TilePlan.MOST_BLOCKS);
  }

  @Test
  void oneMultiprocessorNeedsNoMoreThanItHolds() {
    for (int m : new int[] {1, 64, 4096}) {
      TilePlan plan = TilePlan.of(m, 128, 4096, 1, true, 1, MatmulLaunches.TILES);
      assertTrue(plan.splits() <= 8, plan::toString);
    }
  }
}
