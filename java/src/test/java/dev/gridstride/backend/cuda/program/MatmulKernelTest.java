package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.program.MatmulLaunches.Product;
import dev.gridstride.backend.cuda.program.TilePlan.Tile;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every tile of {@code matmul.cu} at its edges, whatever the host would choose for the shape, in
 * all transposes, split and not, against double loops. Small integers, so that results are exact.
 */
class MatmulKernelTest {
  /**
   * A product.
   *
   * @param splits of k wanted
   * @param shift elements by which every matrix starts off 256 bytes
   */
  private record Problem(int m, int n, int k, int splits, int shift, String reason) {
    TilePlan plan(Tile tile) {
      int units = TilePlan.UNIT * splits;
      int depth = splits == 1 ? k : (int) Dim.ceilDiv(k, units) * TilePlan.UNIT;
      return new TilePlan(tile, (int) Dim.ceilDiv(k, depth), depth);
    }
  }

  private static Stream<Problem> problems(Tile tile) {
    int rows = tile.rows();
    int cols = tile.cols();
    return Stream.of(
        new Problem(1, 1, 1, 1, 0, "everything 1"),
        new Problem(rows, cols, 32, 1, 0, "one tile, whole slices of k"),
        new Problem(rows - 1, cols + 1, 33, 1, 0, "one below, one above a tile; k above a slice"),
        new Problem(rows + 1, cols - 1, 31, 1, 0, "one above, one below a tile; k below a slice"),
        new Problem(rows + 4, 8, 36, 1, 0, "128-bit loads, ragged tiles and slices"),
        new Problem(8, cols + 4, 12, 1, 1, "sizes for 128-bit loads, addresses that forbid them"),
        new Problem(rows + 1, 3, 100, 3, 0, "three splits, the last one short"),
        new Problem(5, cols + 1, 64, 2, 0, "two splits, whole slices; pitch not a multiple of 4"),
        new Problem(4, 8, 320, 10, 0, "more splits than the second stage has rows of threads"));
  }

  @TestFactory
  Stream<DynamicTest> everyTileAndTranspose() {
    return MatmulLaunches.TILES.stream()
        .flatMap(
            tile ->
                problems(tile)
                    .map(
                        problem ->
                            DynamicTest.dynamicTest(
                                tile.name() + " " + problem, () -> check(tile, problem))));
  }

  private static void check(Tile tile, Problem problem) {
    for (DirectRun.Way way : DirectRun.WAYS) {
      for (boolean transposeA : List.of(false, true)) {
        for (boolean transposeB : List.of(false, true)) {
          check(tile, problem, transposeA, transposeB, way);
        }
      }
    }
  }

  private static void check(
      Tile tile, Problem problem, boolean transposeA, boolean transposeB, DirectRun.Way way) {
    int m = problem.m;
    int n = problem.n;
    int k = problem.k;
    int shift = problem.shift;
    SplittableRandom random = new SplittableRandom(problem.hashCode());
    float[] a = integers(random, m * k);
    float[] b = integers(random, k * n);
    float[] bias = integers(random, n);
    boolean withBias = transposeB; // as dense layers have it
    boolean withSums = transposeA;
    float[] y = new float[m * n];
    float[] sums = new float[m];
    for (int i = 0; i < m; i++) {
      for (int l = 0; l < k; l++) {
        sums[i] += transposeA ? a[l * m + i] : a[i * k + l];
      }
      for (int j = 0; j < n; j++) {
        double sum = withBias ? bias[j] : 0;
        for (int l = 0; l < k; l++) {
          double factor = transposeA ? a[l * m + i] : a[i * k + l];
          sum += factor * (transposeB ? b[j * k + l] : b[l * n + j]);
        }
        y[i * n + j] = (float) (withBias ? Math.max(sum, 0) : sum);
      }
    }
    try (DirectRun run = new DirectRun(way)) {
      Place gotY = run.unset("y", shift * 4L, y.length * 4L);
      Place gotSums = withSums ? run.unset("sums", 0, m * 4L) : Place.NULL;
      Place placeA = run.floats("a", shift, a);
      Place placeB = run.floats("b", shift, b);
      Place placeBias = withBias ? run.floats("bias", shift, bias) : Place.NULL;
      Product product = new Product(m, n, k, transposeA, transposeB);
      run.run(
          e ->
              MatmulLaunches.launch(
                  e,
                  product,
                  problem.plan(tile),
                  gotY,
                  gotSums,
                  placeA,
                  placeB,
                  placeBias,
                  withBias));
      String what = product + ", " + way;
      assertArrayEquals(y, run.floats(gotY), "y of " + what);
      if (withSums) {
        assertArrayEquals(sums, run.floats(gotSums), "sums of " + what);
      }
    }
  }

  private static float[] integers(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextInt(-2, 3);
    }
    return values;
  }
}
