package dev.gridstride.conformance;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Matmul;
import java.util.ArrayList;
import java.util.List;

/** Dense layers, matrix products and bias, forward and backward. */
final class DenseCases {
  private DenseCases() {}

  private record DenseProblem(Shape input, int out, boolean bias, boolean relu, String reason) {
    Case sketch(Numbers.Kind kind) {
      Sketch sketch =
          new Sketch(
              "dense " + input + " to " + out + (bias ? ", bias" : "") + (relu ? ", relu" : ""),
              reason,
              kind);
      int features = Math.toIntExact(input.elementsPerRow());
      Value x = sketch.input("x", input.dims());
      Value w = sketch.parameter("w", out, features);
      long terms = (long) features + out + input.dim(0);
      Op op = new Dense(relu);
      if (bias) {
        Value b = sketch.parameter("b", out);
        return sketch.differentiate(sketch.builder().add("y", op, x, w, b), terms, x, w, b);
      }
      return sketch.differentiate(sketch.builder().add("y", op, x, w), terms, x, w);
    }
  }

  private static List<DenseProblem> denseProblems() {
    return List.of(
        new DenseProblem(Shape.of(1, 1), 1, true, false, "everything 1"),
        new DenseProblem(Shape.of(3, 7), 5, true, false, "primes"),
        new DenseProblem(Shape.of(5, 17), 3, false, false, "no bias"),
        new DenseProblem(Shape.of(1, 64), 10, true, true, "batch 1, relu"),
        new DenseProblem(Shape.of(7, 31), 33, true, true, "one below and above 32, relu"),
        new DenseProblem(Shape.of(4, 6), 9, false, true, "relu without bias"),
        new DenseProblem(Shape.of(5, 3, 4, 5), 6, true, true, "input [N,C,H,W], flattened"),
        new DenseProblem(Shape.of(2, 17, 3, 3), 4, true, false, "flattened, channels above 16"),
        new DenseProblem(Shape.of(3, 4, 5), 2, true, false, "input of rank 3"),
        new DenseProblem(Shape.of(3, 530), 12, true, true, "long rows, the sum split over blocks"),
        new DenseProblem(Shape.of(300, 5), 3, true, false, "large batch, split for the weights"),
        new DenseProblem(Shape.of(5, 64, 6, 6), 128, true, true, "reference CNN, dense 1"),
        new DenseProblem(Shape.of(64, 128), 10, true, false, "reference CNN, dense 2"));
  }

  private static Case matmul(
      int m,
      int n,
      int k,
      boolean transposeA,
      boolean transposeB,
      String reason,
      Numbers.Kind kind) {
    String name = "matmul " + m + "x" + n + "x" + k;
    Sketch sketch =
        new Sketch(
            name + (transposeA ? ", a transposed" : "") + (transposeB ? ", b transposed" : ""),
            reason,
            kind);
    Value a = transposeA ? sketch.input("a", k, m) : sketch.input("a", m, k);
    Value b = transposeB ? sketch.parameter("b", n, k) : sketch.parameter("b", k, n);
    Value c = sketch.builder().add("y", new Matmul(transposeA, transposeB), a, b);
    return sketch.differentiate(c, (long) m + n + k, a, b);
  }

  private static Case matmulOfTwoBatches(boolean transposeA, boolean transposeB) {
    Sketch sketch =
        new Sketch(
            "matmul of two batches" + (transposeA ? ", a" : ", b") + " transposed",
            "b is batched too, and every row of the result needs all of it",
            Numbers.Kind.INTEGERS);
    Value a = sketch.input("a", 5, 7);
    Value b = sketch.input("b", 5, 7);
    Value c = sketch.builder().add("y", new Matmul(transposeA, transposeB), a, b);
    return sketch.differentiate(c, Tolerance.EXACT, a, b);
  }

  private static Case matmulOfParameterAndBatch() {
    Sketch sketch =
        new Sketch(
            "matmul of a parameter and a batch",
            "rows of the result are the parameter's, not samples",
            Numbers.Kind.INTEGERS);
    Value a = sketch.parameter("a", 3, 5);
    Value b = sketch.input("b", 5, 4);
    Value c = sketch.builder().add("y", new Matmul(false, false), a, b);
    return sketch.differentiate(c, Tolerance.EXACT, a, b);
  }

  private static Case bias(Numbers.Kind kind, String reason, int... dims) {
    Sketch sketch = new Sketch("bias_add " + Shape.of(dims), reason, kind);
    Value x = sketch.input("x", dims);
    Value b = sketch.parameter("b", dims[1]);
    Value y = sketch.builder().add("y", new BiasAdd(), x, b);
    return sketch.differentiate(y, y.shape().elements() / dims[1], x, b);
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    for (Numbers.Kind kind : Numbers.Kind.values()) {
      denseProblems().forEach(problem -> cases.add(problem.sketch(kind)));
      for (int transposes = 0; transposes < 4; transposes++) {
        boolean a = transposes % 2 == 1;
        boolean b = transposes / 2 == 1;
        cases.add(matmul(5, 7, 3, a, b, "primes: no two sizes can be exchanged", kind));
        cases.add(matmul(33, 15, 17, a, b, "one off the blocks of 16 and 32", kind));
      }
      cases.add(matmul(65, 36, 68, false, true, "above tiles of 64 and 32, 128-bit loads", kind));
      cases.add(matmul(1, 1, 1, false, false, "everything 1", kind));
      cases.add(matmul(1, 9, 64, false, true, "a single row", kind));
      cases.add(matmul(64, 1, 65, false, false, "a single column", kind));
      cases.add(bias(kind, "rank 2", 5, 3));
      cases.add(bias(kind, "rank 3", 2, 3, 7));
      cases.add(bias(kind, "rank 4, odd channels", 3, 5, 4, 7));
      cases.add(bias(kind, "channels above a block of 16", 2, 17, 3, 3));
      cases.add(bias(kind, "513 rows of 8 vectors of 4: three chunks", 3, 32, 9, 19));
      cases.add(bias(kind, "one channel above a tile of 32, two chunks", 67, 33));
      cases.add(bias(kind, "rank 3, more behind the channels than a warp", 5, 4, 33));
    }
    Numbers.Kind integers = Numbers.Kind.INTEGERS;
    cases.add(bias(integers, "four channels a vector; several blocks", 3, 8, 9, 11));
    cases.add(bias(integers, "one channel", 1, 1, 3, 3));
    cases.add(bias(integers, "channels change inside four elements, rank 3", 5, 7, 3));
    cases.add(bias(integers, "rank 5", 2, 3, 2, 1, 5));
    cases.add(matmul(1500, 1050, 8, false, true, "enough for large tiles on a card", integers));
    cases.add(matmul(1540, 1540, 8, false, false, "the same, for tiles of middle size", integers));
    cases.add(matmulOfTwoBatches(true, false));
    cases.add(matmulOfTwoBatches(false, true));
    cases.add(matmulOfParameterAndBatch());
    return cases;
  }
}
