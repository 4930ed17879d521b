package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.program.Conv2dLaunches.Sizes;
import dev.gridstride.backend.cuda.program.TilePlan.Tile;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every tile of {@code conv2d.cu} at its edges, whatever the host would choose for the shape, split
 * and not, against double loops. Small integers, so that results are exact.
 */
class Conv2dKernelTest {
  /**
   * A convolution.
   *
   * @param sizes with channels of one group
   * @param splits of the sums of forward and backward weights wanted
   * @param shift elements by which every tensor starts off 256 bytes
   */
  private record Problem(Sizes sizes, int splits, int shift, String reason) {
    TilePlan plan(Tile tile, long sum) {
      long units = (long) TilePlan.UNIT * splits;
      int depth = (int) (splits == 1 ? sum : Dim.ceilDiv(sum, units) * TilePlan.UNIT);
      return new TilePlan(tile, (int) Dim.ceilDiv(sum, depth), depth);
    }
  }

  /** Kernel, stride, padding and dilation 3x3, 1, 0 and 1. */
  private static Sizes plain(int n, int ih, int iw, int ic, int oc) {
    return new Sizes(n, ih, iw, ic, ih - 2, iw - 2, oc, 3, 3, 1, 1, 0, 0, 1, 1, 1);
  }

  private static final List<Problem> PROBLEMS =
      List.of(
          new Problem(plain(1, 3, 3, 1, 1), 1, 0, "one window"),
          new Problem(plain(1, 10, 10, 4, 32), 1, 0, "64 pixels, 32 channels: one small tile"),
          new Problem(plain(1, 7, 15, 3, 31), 1, 0, "65 pixels, 31 channels; flat taps of RGB"),
          new Problem(plain(1, 11, 9, 7, 33), 1, 0, "63 pixels, 33 channels, odd channels"),
          new Problem(plain(1, 18, 10, 4, 64), 1, 0, "128 pixels, 64 channels: one large tile"),
          new Problem(plain(1, 5, 45, 4, 65), 1, 0, "129 pixels, 65 channels"),
          new Problem(plain(2, 10, 9, 8, 12), 1, 1, "whole quads of channels, not aligned"),
          new Problem(plain(2, 9, 8, 8, 12), 2, 0, "splits"),
          new Problem(plain(3, 8, 9, 5, 7), 3, 0, "splits, odd channels"),
          new Problem(
              new Sizes(2, 8, 9, 4, 4, 5, 8, 3, 3, 2, 2, 1, 1, 1, 1, 1),
              1,
              0,
              "stride 2: four phases of 4, 2, 2 and 1 taps"),
          new Problem(
              new Sizes(1, 7, 10, 4, 2, 3, 4, 2, 1, 3, 4, 0, 0, 1, 1, 1),
              1,
              0,
              "strides above the kernel: phases that no tap hits"),
          new Problem(
              new Sizes(1, 9, 11, 5, 5, 3, 6, 3, 2, 2, 3, 3, 2, 3, 4, 1),
              1,
              0,
              "dilation above the stride, padding that differs, odd channels"),
          new Problem(
              new Sizes(1, 9, 9, 4, 3, 3, 4, 3, 3, 2, 2, 0, 0, 2, 2, 1),
              1,
              0,
              "stride and dilation with a common divisor"),
          new Problem(
              new Sizes(2, 6, 6, 8, 6, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 3), 2, 0, "groups, splits"));

  private record Tiles(Tile pixels, Tile weights) {}

  @TestFactory
  Stream<DynamicTest> everyTile() {
    return Stream.of(0, 1, 2)
        .map(i -> new Tiles(Conv2dLaunches.PIXEL_TILES.get(i), Conv2dLaunches.WEIGHT_TILES.get(i)))
        .flatMap(
            tiles ->
                PROBLEMS.stream()
                    .map(
                        problem ->
                            DynamicTest.dynamicTest(
                                tiles.pixels.name()
                                    + " and "
                                    + tiles.weights.name()
                                    + ": "
                                    + problem.reason,
                                () -> new Data(problem).check(tiles))));
  }

  /** One problem with its data and what the passes should give. */
  private static final class Data {
    private final Problem problem;
    private final Sizes sizes;
    private final float[] x;
    private final float[] w;
    private final float[] bias;
    private final float[] dy;
    private final float[] y;
    private final float[] dx;
    private final float[] dw;
    private final float[] db;

    Data(Problem problem) {
      this.problem = problem;
      sizes = problem.sizes;
      SplittableRandom random = new SplittableRandom(problem.hashCode());
      x = integers(random, (int) (sizes.inPixels() * sizes.inChannels()));
      w = integers(random, sizes.outChannels() * sizes.taps());
      bias = integers(random, sizes.outChannels());
      dy = integers(random, (int) (sizes.outPixels() * sizes.outChannels()));
      y = new float[dy.length];
      dx = new float[x.length];
      dw = new float[w.length];
      db = new float[bias.length];
      for (int out = 0; out < y.length; out++) {
        convolve(out);
      }
    }

    /** One output: its sum, and what its gradient adds to others. */
    private void convolve(int out) {
      Sizes s = sizes;
      int o = out % s.outChannels();
      int pixel = out / s.outChannels();
      int left = pixel % s.ow() * s.sw() - s.pl();
      int top = pixel / s.ow() % s.oh() * s.sh() - s.pt();
      int image = pixel / s.ow() / s.oh();
      double sum = bias[o];
      for (int tap = 0; tap < s.taps(); tap++) {
        int c = tap % s.ic();
        int h = top + tap / s.ic() / s.kw() * s.dh();
        int v = left + tap / s.ic() % s.kw() * s.dw();
        if (h >= 0 && h < s.ih() && v >= 0 && v < s.iw()) {
          int in = ((image * s.ih() + h) * s.iw() + v) * s.inChannels() + o / s.oc() * s.ic() + c;
          int weight = o * s.taps() + tap;
          sum += (double) x[in] * w[weight];
          dx[in] += dy[out] * w[weight];
          dw[weight] += dy[out] * x[in];
        }
      }
      y[out] = (float) Math.max(sum, 0);
      db[o] += dy[out];
    }

    void check(Tiles tiles) {
      for (DirectRun.Way way : DirectRun.WAYS) {
        try (DirectRun run = new DirectRun(way)) {
          check(tiles, run, way.toString());
        }
      }
    }

    private void check(Tiles tiles, DirectRun run, String way) {
      int shift = problem.shift;
      Place placeX = run.floats("x", shift, x);
      Place placeW = run.floats("w", shift, w);
      Place placeBias = run.floats("bias", shift, bias);
      Place placeDy = run.floats("dy", shift, dy);
      Place gotY = run.unset("y", shift * 4L, y.length * 4L);
      Place gotDx = run.unset("dx", shift * 4L, x.length * 4L);
      Place gotDw = run.unset("dw", shift * 4L, w.length * 4L);
      Place gotDb = run.unset("db", shift * 4L, bias.length * 4L);
      TilePlan forward = problem.plan(tiles.pixels, sizes.taps());
      TilePlan data = new TilePlan(tiles.pixels, 1, 0);
      TilePlan weights = problem.plan(tiles.weights, sizes.outPixels());
      run.run(
          e -> {
            Conv2dLaunches.forward(e, sizes, forward, gotY, placeX, placeW, placeBias, true);
            Conv2dLaunches.backwardData(e, sizes, data, gotDx, placeDy, placeW);
            Conv2dLaunches.backwardWeights(e, sizes, weights, gotDw, gotDb, placeX, placeDy);
          });
      assertArrayEquals(y, run.floats(gotY), "y, " + way);
      assertArrayEquals(dx, run.floats(gotDx), "dx, " + way);
      assertArrayEquals(dw, run.floats(gotDw), "dw, " + way);
      assertArrayEquals(db, run.floats(gotDb), "db, " + way);
    }

    private static float[] integers(SplittableRandom random, int count) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = random.nextInt(-2, 3);
      }
      return values;
    }
  }
}
