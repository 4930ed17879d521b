package dev.gridstride.conformance;

import dev.gridstride.program.Op;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.AvgPool2d;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.Pool2d;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Maximum, average and global average pooling, forward and backward. */
final class PoolingCases {
  /** Padding is top, left, bottom, right; the rest of a line is the reason of the shape. */
  private static final String PROBLEMS =
      """
      # input    kernel stride padding reason
      1,1,1,1    1x1 1x1 0,0,0,0 everything 1
      1,1,2,2    2x2 2x2 0,0,0,0 one window
      2,3,4,6    2x2 2x2 0,0,0,0 windows side by side
      2,3,5,7    2x2 2x2 0,0,0,0 a row and a column left over
      5,3,8,8    2x2 2x2 0,0,0,0 batch that 2 and 3 threads do not divide
      1,17,6,6   2x2 2x2 0,0,0,0 one channel above a block of 16, batch 1
      2,3,7,7    3x3 2x2 0,0,0,0 windows overlap
      2,3,5,5    3x3 1x1 0,0,0,0 windows overlap much: gradients of 9 windows add up
      2,3,7,7    3x3 2x2 1,1,1,1 overlap and padding (ResNet)
      1,2,6,5    3x2 1x2 2,0,1,1 padding differs on all four sides
      2,2,7,7    2x2 3x3 0,0,0,0 stride above the kernel: places never read
      2,3,6,4    1x4 2x1 0,0,0,0 window of one row
      1,2,5,5    5x5 5x5 0,0,0,0 the whole image
      2,32,30,30 2x2 2x2 0,0,0,0 reference CNN, first pooling
      2,64,13,13 2x2 2x2 0,0,0,0 reference CNN, second pooling, untrimmed
      3,4,5,7    2x2 2x2 0,0,0,0 one vector of 4 channels, a row and a column left over
      2,8,7,7    3x3 2x2 1,1,1,1 overlap and padding (ResNet), vectors of 4 channels
      1,4,6,5    3x2 1x2 2,0,1,1 padding differs on all four sides, one vector
      2,5,6,7    2x2 3x2 1,1,0,1 windows apart, the first ones begin outside the image
      1,4,3,260  2x2 1x1 0,0,0,0 a row longer than a block of 256 threads
      65,3,4,4   2x2 2x2 0,0,0,0 rows of all images above those of a block
      """;

  private PoolingCases() {}

  private record Problem(Shape input, Pool2d window, String reason) {
    String name(String op) {
      return op
          + " "
          + input
          + ", window "
          + window.kernel()
          + ", stride "
          + window.stride()
          + (window.padding().equals(Padding2d.NONE) ? "" : ", padding " + window.padding());
    }

    Case max(Numbers.Kind kind) {
      Sketch sketch = new Sketch(name("max_pool2d"), reason, kind);
      Tensor image =
          kind == Numbers.Kind.INTEGERS
              ? sketch.numbers().integers(input, -2, 2)
              : sketch.numbers().distinct(input);
      Value x = sketch.input("x", image);
      Value y = sketch.builder().addAll("y", new MaxPool2d(window), List.of(x)).get(0);
      return sketch.differentiate(y, (long) window.kernel().height() * window.kernel().width(), x);
    }

    Case average(Numbers.Kind kind, boolean countPadding) {
      String op = countPadding ? "avg_pool2d with padding" : "avg_pool2d";
      Sketch sketch = new Sketch(name(op), reason, kind);
      Value x = sketch.input("x", input.dims());
      Value y = sketch.builder().add("y", new AvgPool2d(window, countPadding), x);
      int terms = window.kernel().height() * window.kernel().width();
      return sketch.differentiate(y, Tolerance.ofUnits(terms), x);
    }
  }

  private static List<Problem> problems() {
    return Table.rows(PROBLEMS, 4).stream()
        .map(
            row ->
                new Problem(
                    row.shape(0),
                    new Pool2d(row.size(1), row.size(2), row.padding(3)),
                    row.reason()))
        .toList();
  }

  private static Case constant(float value, Pool2d window) {
    Sketch sketch =
        new Sketch(
            "max_pool2d of a constant image of " + value + ", window " + window,
            "every window is one tie, and the first place wins",
            Numbers.Kind.INTEGERS);
    float[] elements = new float[2 * 17 * 6 * 6];
    Arrays.fill(elements, value);
    Value x = sketch.input("x", Tensor.of(Shape.of(2, 17, 6, 6), elements));
    Value y = sketch.builder().addAll("y", new MaxPool2d(window), List.of(x)).get(0);
    return sketch.differentiate(y, Tolerance.EXACT, x);
  }

  private static Case negative() {
    Sketch sketch =
        new Sketch(
            "max_pool2d of negative numbers with padding",
            "padding is minus infinity, not zero",
            Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", sketch.numbers().integers(Shape.of(2, 3, 5, 5), -9, -1));
    Pool2d window = new Pool2d(Size2d.of(3), Size2d.of(2), Padding2d.of(1));
    Value y = sketch.builder().addAll("y", new MaxPool2d(window), List.of(x)).get(0);
    return sketch.differentiate(y, Tolerance.EXACT, x);
  }

  private static Case argmax() {
    Sketch sketch =
        new Sketch(
            "max_pool2d with its argmax read",
            "a backend that keeps places in a form of its own must translate them",
            Numbers.Kind.INTEGERS);
    Value x = sketch.input("x", sketch.numbers().integers(Shape.of(3, 5, 7, 6), -2, 2));
    Pool2d window = new Pool2d(Size2d.of(3), Size2d.of(2), Padding2d.of(1));
    List<Value> results = sketch.builder().addAll("y", new MaxPool2d(window), List.of(x));
    return sketch.compare(Tolerance.EXACT, results.get(0), results.get(1));
  }

  private static Case global(String reason, int... dims) {
    Op op = new GlobalAvgPool2d();
    Sketch sketch = new Sketch(op.name() + " " + Arrays.toString(dims), reason, Numbers.Kind.REALS);
    Value x = sketch.input("x", dims);
    Value y = sketch.builder().add("y", op, x);
    return sketch.differentiate(y, (long) dims[2] * dims[3], x);
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    for (Problem problem : problems()) {
      cases.add(problem.max(Numbers.Kind.INTEGERS));
      cases.add(problem.max(Numbers.Kind.REALS));
      cases.add(problem.average(Numbers.Kind.REALS, false));
      cases.add(problem.average(Numbers.Kind.REALS, true));
    }
    cases.add(constant(0, Pool2d.of(2)));
    cases.add(constant(3, new Pool2d(Size2d.of(3), Size2d.of(2), Padding2d.of(1))));
    cases.add(constant(-1, new Pool2d(Size2d.of(3), Size2d.of(1), Padding2d.NONE)));
    cases.add(negative());
    cases.add(argmax());
    cases.add(global("everything 1", 1, 1, 1, 1));
    cases.add(global("primes", 3, 5, 7, 11));
    cases.add(global("channels above a block of 16", 2, 33, 4, 4));
    cases.add(global("last map of a small ResNet", 5, 64, 8, 8));
    cases.add(global("33 vectors of 4: one above a tile of channels", 2, 132, 3, 3));
    cases.add(global("more pixels than a block of 256 threads", 2, 1, 17, 19));
    return cases;
  }
}
