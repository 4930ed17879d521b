package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.cuda.program.Conv2dTensorLaunches.Sizes;
import dev.gridstride.backend.cuda.program.TensorNumbers.Sum;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.op.Conv2d;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The kernels of {@code conv2d_tensor.cu} against double loops. */
class Conv2dTensorKernelTest {
  /**
   * A convolution with bias.
   *
   * @param x [N,C,H,W]
   * @param w [O,C/G,KH,KW]
   * @param shift elements by which every tensor starts off 256 bytes
   * @param reason what is special about it
   */
  private record Problem(Conv2d conv, Shape x, Shape w, int shift, String reason) {
    Sizes sizes() {
      return Sizes.of(conv, x, w);
    }

    @Override
    public String toString() {
      return x + " by " + w + ": " + reason;
    }
  }

  private static Problem problem(Conv2d conv, Shape x, Shape w, String reason) {
    return new Problem(conv, x, w, 0, reason);
  }

  private static final Conv2d RELU = Conv2d.PLAIN.withRelu(true);

  private static Conv2d conv(Size2d stride, Padding2d padding, Size2d dilation, int groups) {
    return new Conv2d(stride, padding, dilation, groups, false);
  }

  /** Forward and data: tiles of 128 pixels and 64 channels; weights: 64 channels and 64 weights. */
  private static final List<Problem> PROBLEMS =
      List.of(
          problem(Conv2d.PLAIN, Shape.of(1, 1, 1, 1), Shape.of(1, 1, 1, 1), "smallest"),
          problem(
              RELU, Shape.of(1, 3, 14, 14), Shape.of(32, 3, 3, 3), "conv1: 3 channels, 144 pixels"),
          problem(RELU, Shape.of(1, 32, 15, 15), Shape.of(64, 32, 3, 3), "conv2: whole chunks"),
          problem(
              Conv2d.PLAIN.withPadding(Padding2d.of(1)),
              Shape.of(2, 8, 8, 8),
              Shape.of(72, 8, 3, 3),
              "just one tile of pixels; one chunk above a tile of channels; zeros outside"),
          problem(
              Conv2d.PLAIN,
              Shape.of(3, 16, 1, 43),
              Shape.of(8, 16, 1, 1),
              "1x1; one pixel above a tile"),
          problem(
              conv(new Size2d(2, 3), new Padding2d(1, 2, 0, 1), Size2d.of(1), 1),
              Shape.of(2, 16, 9, 11),
              Shape.of(24, 16, 3, 2),
              "strides that leave taps empty; every side padded differently"),
          problem(
              conv(Size2d.of(2), Padding2d.of(2, 1), new Size2d(2, 3), 1),
              Shape.of(1, 8, 10, 9),
              Shape.of(8, 8, 3, 2),
              "dilation and stride"),
          problem(
              conv(Size2d.of(1), Padding2d.of(1), Size2d.of(1), 2),
              Shape.of(1, 16, 7, 7),
              Shape.of(136, 8, 3, 3),
              "two groups of 68 channels: tiles end with their group"),
          problem(
              conv(Size2d.of(1), Padding2d.of(1), Size2d.of(1), 6),
              Shape.of(1, 6, 6, 6),
              Shape.of(12, 1, 3, 3),
              "depthwise: groups that are not whole chunks"),
          problem(
              conv(Size2d.of(2), Padding2d.NONE, Size2d.of(1), 1),
              Shape.of(1, 5, 8, 8),
              Shape.of(7, 5, 3, 3),
              "odd channels; the last row and column are not read"),
          new Problem(
              Conv2d.PLAIN,
              Shape.of(1, 8, 6, 6),
              Shape.of(8, 8, 3, 3),
              1,
              "whole chunks, not aligned"),
          problem(
              Conv2d.PLAIN,
              Shape.of(8, 8, 18, 18),
              Shape.of(8, 8, 3, 3),
              "parts of pixels in the weights"));

  @TestFactory
  Stream<DynamicTest> everyPassAndType() {
    return PROBLEMS.stream()
        .flatMap(
            problem ->
                Stream.of(TensorCores.values())
                    .map(
                        type ->
                            DynamicTest.dynamicTest(
                                type + " " + problem, () -> check(problem, type))));
  }

  private static void check(Problem problem, TensorCores type) {
    for (boolean integers : new boolean[] {true, false}) {
      long seed = problem.hashCode() * 31L;
      new Data(
              problem,
              type,
              new TensorNumbers(seed, integers),
              (integers ? "integers" : "reals") + ", seed " + seed)
          .check();
    }
  }

  /** One problem with its data, channels last, and what the passes should give. */
  private static final class Data {
    private final Problem problem;
    private final TensorCores type;
    private final boolean bf16;
    private final TensorNumbers numbers;
    private final String what;
    private final Sizes sizes;
    private final float[] x;
    private final float[] w;
    private final float[] bias;
    private final float[] dy;
    private final Sum[] y;
    private final Sum[] dx;
    private final Sum[] dw;
    private final Sum[] db;

    Data(Problem problem, TensorCores type, TensorNumbers numbers, String what) {
      this.problem = problem;
      this.type = type;
      this.numbers = numbers;
      this.what = what;
      bf16 = type == TensorCores.BF16;
      sizes = problem.sizes();
      x = numbers.values((int) sizes.x().elements(), type);
      w = numbers.values((int) sizes.w().elements(), type);
      bias = numbers.bias(sizes.w().n());
      dy = numbers.values((int) sizes.y().elements(), type);
      y = TensorNumbers.sums(dy.length);
      dx = TensorNumbers.sums(x.length);
      dw = TensorNumbers.sums(w.length);
      db = TensorNumbers.sums(bias.length);
      convolve();
    }

    /** Visits every pair of an output and a weight that it reads an input for. */
    private void convolve() {
      ChannelsLast xs = sizes.x();
      ChannelsLast ws = sizes.w();
      ChannelsLast ys = sizes.y();
      Conv2d conv = sizes.conv();
      for (int out = 0; out < dy.length; out++) {
        int o = out % ys.c();
        int q = out / ys.c() % ys.w();
        int p = out / ys.c() / ys.w() % ys.h();
        int n = out / ys.c() / ys.w() / ys.h();
        int group = o / (ys.c() / conv.groups());
        for (int r = 0; r < ws.h(); r++) {
          for (int s = 0; s < ws.w(); s++) {
            int h =
                p * conv.stride().height() - conv.padding().top() + r * conv.dilation().height();
            int v = q * conv.stride().width() - conv.padding().left() + s * conv.dilation().width();
            if (h < 0 || h >= xs.h() || v < 0 || v >= xs.w()) {
              continue;
            }
            for (int c = 0; c < ws.c(); c++) {
              int in = ((n * xs.h() + h) * xs.w() + v) * xs.c() + group * ws.c() + c;
              int weight = ((o * ws.h() + r) * ws.w() + s) * ws.c() + c;
              y[out].add(x[in], w[weight]);
              dx[in].add(dy[out], w[weight]);
              dw[weight].add(dy[out], x[in]);
            }
          }
        }
        y[out].addBias(bias[o]);
        if (conv.relu()) {
          y[out].relu();
        }
        db[o].addBias(dy[out]);
      }
    }

    void check() {
      List<float[]> first = null;
      for (DirectRun.Way way : DirectRun.WAYS) {
        List<float[]> results = run(way);
        String how = what + ", " + way;
        numbers.check("y, " + how, y, results.get(0), type, false);
        numbers.check("dx, " + how, dx, results.get(1), type, false);
        numbers.check("dw, " + how, dw, results.get(2), type, false);
        if (bf16) {
          numbers.check("db, " + how, db, results.get(3), type, false);
          numbers.check("y in bf16, " + how, y, results.get(4), type, true);
          numbers.check("dx in bf16, " + how, dx, results.get(5), type, true);
        }
        for (int i = 0; first != null && i < first.size(); i++) {
          assertArrayEquals(first.get(i), results.get(i), how + ": other bits than in order");
        }
        first = results;
      }
    }

    private List<float[]> run(DirectRun.Way way) {
      int shift = problem.shift();
      try (DirectRun run = new DirectRun(way)) {
        Place xs = input(run, "x", x);
        Place ws = input(run, "w", w);
        Place dys = input(run, "dy", dy);
        Place biases = run.floats("bias", shift, bias);
        IntFunction<Place> floats = n -> run.unset("result", 4L * shift, 4L * n);
        IntFunction<Place> halves =
            n -> bf16 ? run.unset("result in bf16", 2L * shift, 2L * n) : Place.NULL;
        Place ys = floats.apply(y.length);
        Place ys16 = halves.apply(y.length);
        Place dxs = floats.apply(x.length);
        Place dxs16 = halves.apply(x.length);
        Place dws = floats.apply(w.length);
        Place dbs = floats.apply(bias.length);
        int pixels = dy.length / bias.length;
        run.run(
            e -> {
              Conv2dTensorLaunches.forward(e, type, sizes, ys, ys16, xs, ws, biases);
              Conv2dTensorLaunches.backwardData(e, type, sizes, dxs, dxs16, dys, ws);
              Conv2dTensorLaunches.backwardWeights(e, type, sizes, dws, xs, dys);
              if (bf16) {
                Conv2dTensorLaunches.backwardBias(e, dbs, dys, pixels, bias.length, shift == 0);
              }
            });
        List<float[]> results =
            new ArrayList<>(List.of(run.floats(ys), run.floats(dxs), run.floats(dws)));
        if (bf16) {
          results.add(run.floats(dbs));
          results.add(run.bfloat16s(ys16));
          results.add(run.bfloat16s(dxs16));
        }
        return results;
      }
    }

    private Place input(DirectRun run, String name, float[] values) {
      return bf16
          ? run.bfloat16s(name, problem.shift(), values)
          : run.floats(name, problem.shift(), values);
    }
  }

  /** Few tiles and many pixels: the sum over pixels is split, and its parts are added. */
  @Test
  void weightsAreSplit() {
    Sizes sizes = Sizes.of(Conv2d.PLAIN, Shape.of(8, 8, 18, 18), Shape.of(8, 8, 3, 3));
    try (DirectRun run = new DirectRun(DirectRun.WAYS.get(0))) {
      Place x = run.floats("x", 0, new float[(int) sizes.x().elements()]);
      Place dy = run.floats("dy", 0, new float[(int) sizes.y().elements()]);
      Place dw = run.unset("dw", 0, 4 * sizes.w().elements());
      List<String> kernels =
          run.run(e -> Conv2dTensorLaunches.backwardWeights(e, TensorCores.TF32, sizes, dw, x, dy));
      assertEquals(List.of("conv2d_backward_weights_tf32", "matmul_sum_parts_f32"), kernels);
    }
  }
}
