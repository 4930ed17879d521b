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
      return sketch.differentiate(y, window.kernel().height() * window.kernel().width(), x);
    }

    Case average(Numbers.Kind kind, boolean countPadding) {
      String op = countPadding ? "avg_pool2d with padding" : "avg_pool2d";
      Sketch sketch = new Sketch(name(op), reason, kind);
      Value x = sketch.input("x", input.dims());
      Value y = sketch.builder().add("y", new AvgPool2d(window, countPadding), x);
      int terms = window.kernel().height() * window.kernel().width();
      return sketch.differentiate(y, Tolerance.ofSum(terms), x);
    }
  }

  private static Problem of(
      int n, int c, int h, int w, Size2d kernel, Size2d stride, Padding2d padding, String why) {
    return new Problem(Shape.of(n, c, h, w), new Pool2d(kernel, stride, padding), why);
  }

  private static List<Problem> problems() {
    Size2d one = Size2d.of(1);
    Size2d two = Size2d.of(2);
    Size2d three = Size2d.of(3);
    Padding2d none = Padding2d.NONE;
    return List.of(
        of(1, 1, 1, 1, one, one, none, "everything 1"),
        of(1, 1, 2, 2, two, two, none, "one window"),
        of(2, 3, 4, 6, two, two, none, "windows side by side"),
        of(2, 3, 5, 7, two, two, none, "a row and a column left over"),
        of(5, 3, 8, 8, two, two, none, "batch that 2 and 3 threads do not divide"),
        of(1, 17, 6, 6, two, two, none, "one channel above a block of 16, batch 1"),
        of(2, 3, 7, 7, three, two, none, "windows overlap"),
        of(2, 3, 5, 5, three, one, none, "windows overlap much: gradients of 9 windows add up"),
        of(2, 3, 7, 7, three, two, Padding2d.of(1), "overlap and padding (ResNet)"),
        of(
            1,
            2,
            6,
            5,
            new Size2d(3, 2),
            new Size2d(1, 2),
            new Padding2d(2, 0, 1, 1),
            "padding differs on all four sides"),
        of(2, 2, 7, 7, two, three, none, "stride above the kernel: places never read"),
        of(2, 3, 6, 4, new Size2d(1, 4), new Size2d(2, 1), none, "window of one row"),
        of(1, 2, 5, 5, Size2d.of(5), Size2d.of(5), none, "the whole image"),
        of(2, 32, 30, 30, two, two, none, "reference CNN, first pooling"),
        of(2, 64, 13, 13, two, two, none, "reference CNN, second pooling, untrimmed"));
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
    return cases;
  }
}
