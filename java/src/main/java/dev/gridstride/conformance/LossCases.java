package dev.gridstride.conformance;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.WeightPenalty;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Softmax, losses and penalties, forward and backward. */
final class LossCases {
  private LossCases() {}

  /** How the labels of a case are given. */
  private enum LabelKind {
    INDICES,
    ONE_HOT,
    SOFT,
    /** Rows that do not sum to 1. */
    UNNORMALISED
  }

  private static Value labels(Sketch sketch, LabelKind kind, int rows, int classes) {
    Numbers numbers = sketch.numbers();
    return sketch.input(
        "labels",
        switch (kind) {
          case INDICES -> numbers.classes(rows, classes);
          case ONE_HOT -> oneHot(numbers.classes(rows, classes).ints(), classes);
          case SOFT -> numbers.distributions(rows, classes);
          case UNNORMALISED -> numbers.reals(Shape.of(rows, classes), 0, 1);
        });
  }

  private static Tensor oneHot(int[] classOf, int classes) {
    float[] rows = new float[classOf.length * classes];
    for (int n = 0; n < classOf.length; n++) {
      rows[n * classes + classOf[n]] = 1;
    }
    return Tensor.of(Shape.of(classOf.length, classes), rows);
  }

  private static Case softmax(int rows, int classes, double scale, String reason) {
    Sketch sketch =
        new Sketch(
            "softmax [" + rows + "," + classes + "] of logits up to " + scale,
            reason,
            Numbers.Kind.REALS);
    Tensor logits = sketch.numbers().reals(Shape.of(rows, classes), -scale, scale);
    Value x = sketch.input("x", logits);
    Value y = sketch.builder().add("y", new Softmax(), x);
    return sketch.differentiate(y, Tolerance.ofUnits(classes), x);
  }

  private static Case softmaxOfSpecialNumbers() {
    Sketch sketch =
        new Sketch(
            "softmax of minus infinities and NaN",
            "a masked class has probability 0; NaN fills its own row only",
            Numbers.Kind.REALS);
    float none = Float.NEGATIVE_INFINITY;
    Value x =
        sketch.input(
            "x", Tensor.of(Shape.of(3, 4), none, 1, 2, none, 0, Float.NaN, 1, 2, 5, 5, 5, none));
    return sketch.compare(Tolerance.ofSum(4), sketch.builder().add("y", new Softmax(), x));
  }

  private static Case longSoftmaxOfSpecialNumbers() {
    Sketch sketch =
        new Sketch(
            "softmax of long rows of minus infinities and NaN",
            "partial maxima of nothing but minus infinity are joined with finite ones",
            Numbers.Kind.REALS);
    int classes = 300;
    float[] x = new float[4 * classes];
    Arrays.fill(x, 0, 3 * classes, Float.NEGATIVE_INFINITY);
    x[7] = 2;
    x[299] = 3;
    x[classes] = 1;
    x[classes + 250] = Float.NaN;
    x[3 * classes + 5] = Float.POSITIVE_INFINITY;
    Value input = sketch.input("x", Tensor.of(Shape.of(4, classes), x));
    return sketch.compare(Tolerance.ofSum(4), sketch.builder().add("y", new Softmax(), input));
  }

  private static Case softmaxCrossEntropy(
      int rows, int classes, LabelKind kind, float smoothing, double scale, String reason) {
    Sketch sketch =
        new Sketch(
            "softmax_cross_entropy ["
                + rows
                + ","
                + classes
                + "], labels "
                + kind
                + ", smoothing "
                + smoothing
                + ", logits up to "
                + scale,
            reason,
            Numbers.Kind.REALS);
    Tensor logits = sketch.numbers().reals(Shape.of(rows, classes), -scale, scale);
    Value x = sketch.input("x", logits);
    Value labels = labels(sketch, kind, rows, classes);
    Op op = new SoftmaxCrossEntropy(smoothing);
    List<Value> results = sketch.builder().addAll("loss", op, List.of(x, labels));
    sketch.builder().output(results.get(1));
    return sketch.differentiateLoss(results.get(0), Tolerance.ofSum(rows + (long) classes), x);
  }

  private static Case crossEntropy(
      int rows, int classes, LabelKind kind, float smoothing, String reason) {
    Sketch sketch =
        new Sketch(
            "cross_entropy ["
                + rows
                + ","
                + classes
                + "], labels "
                + kind
                + ", smoothing "
                + smoothing,
            reason,
            Numbers.Kind.REALS);
    Value p = sketch.input("p", sketch.numbers().distributions(rows, classes));
    Value labels = labels(sketch, kind, rows, classes);
    Value loss = sketch.builder().add("loss", new CrossEntropy(smoothing), p, labels);
    Tolerance tolerance = Tolerance.ofSum(rows + (long) classes);
    Case test = sketch.differentiateLoss(loss, tolerance, p);
    // Where p is as small as 1 / 300, a finite difference says little of the slope of log p.
    return classes < 100 ? test : sketch.finish(tolerance, test.runs(), null);
  }

  private static Case crossEntropyBelowTheFloor() {
    Sketch sketch =
        new Sketch(
            "cross_entropy of probabilities 0 and 1",
            "the floor of 1e-7: a finite loss, and no gradient below it",
            Numbers.Kind.REALS);
    Value p = sketch.input("p", Tensor.of(Shape.of(2, 3), 0, 1, 0, 1, 0, 1e-9f));
    Value labels = sketch.input("labels", Tensor.of(Shape.of(2), 0, 0));
    Value loss = sketch.builder().add("loss", new CrossEntropy(0.1f), p, labels);
    sketch.builder().output(loss);
    Case smooth = sketch.differentiateLoss(loss, Tolerance.ofSum(6), p);
    return sketch.finish(smooth.tolerance(), smooth.runs(), null);
  }

  private static Case softmaxThenCrossEntropy() {
    Sketch sketch =
        new Sketch(
            "softmax, then cross_entropy", "the pair before it is fused", Numbers.Kind.REALS);
    Value x = sketch.input("x", 5, 10);
    Value labels = labels(sketch, LabelKind.INDICES, 5, 10);
    Value p = sketch.builder().add("p", new Softmax(), x);
    Value loss = sketch.builder().add("loss", new CrossEntropy(0), p, labels);
    return sketch.differentiateLoss(loss, Tolerance.ofSum(20), x);
  }

  private static Case sumOfLosses() {
    Sketch sketch =
        new Sketch(
            "loss and penalty, then a penalty of three times the sum",
            "the gradient that arrives at a loss is not 1; scores are a parameter, labels a batch",
            Numbers.Kind.REALS);
    Value x = sketch.parameter("x", 5, 7);
    Value t = sketch.input("t", 5, 7);
    Value labels = labels(sketch, LabelKind.SOFT, 5, 7);
    Value error = sketch.builder().add("error", new MeanSquaredError(), x, t);
    Value entropy =
        sketch
            .builder()
            .addAll("entropy", new SoftmaxCrossEntropy(0.1f), List.of(x, labels))
            .get(0);
    Value penalty = sketch.builder().add("penalty", new WeightPenalty(0.01f, 0.02f), x);
    Value both = sketch.builder().add("both", new Add(), error, entropy);
    Value sum = sketch.builder().add("sum", new Add(), both, penalty);
    Value loss = sketch.builder().add("loss", new WeightPenalty(3, 0), sum);
    return sketch.differentiateLoss(loss, Tolerance.ofSum(35), x, t);
  }

  private static Case meanSquaredError(String reason, int... dims) {
    Sketch sketch = new Sketch("mean_squared_error " + Shape.of(dims), reason, Numbers.Kind.REALS);
    Value x = sketch.input("x", dims);
    Value t = sketch.input("t", dims);
    Value loss = sketch.builder().add("loss", new MeanSquaredError(), x, t);
    return sketch.differentiateLoss(loss, Tolerance.ofSum(x.shape().elements()), x);
  }

  private static Case penalty(float l1, float l2, String reason, int... dims) {
    Sketch sketch =
        new Sketch(
            "weight_penalty " + Shape.of(dims) + ", l1 " + l1 + ", l2 " + l2,
            reason,
            Numbers.Kind.REALS);
    Value w = sketch.parameter("w", dims);
    Value loss = sketch.builder().add("loss", new WeightPenalty(l1, l2), w);
    return sketch.differentiateLoss(loss, Tolerance.ofSum(w.shape().elements()), w);
  }

  private static Case penaltyOfZeros() {
    Sketch sketch =
        new Sketch("weight_penalty of integers with zeros", "sign(0) is 0", Numbers.Kind.INTEGERS);
    Value w = sketch.parameter("w", 5, 7);
    Value loss = sketch.builder().add("loss", new WeightPenalty(1, 1), w);
    Case smooth = sketch.differentiateLoss(loss, Tolerance.EXACT, w);
    return sketch.finish(smooth.tolerance(), smooth.runs(), null);
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    cases.add(softmax(1, 1, 1, "a single class has probability 1"));
    cases.add(softmax(5, 2, 1, "two classes"));
    cases.add(softmax(64, 10, 5, "reference CNN"));
    cases.add(softmax(3, 1000, 3, "ImageNet"));
    cases.add(softmax(7, 33, 1, "odd sizes"));
    cases.add(softmax(4, 5, 1000, "exp would overflow without the maximum taken off"));
    cases.add(softmax(33, 8, 1, "8 lanes a row: one row above a block of 32"));
    cases.add(softmax(17, 9, 1, "16 lanes a row, one row above a block of 16"));
    cases.add(softmax(3, 31, 1, "one class below a warp"));
    cases.add(softmax(9, 32, 1, "a warp a row, one row above a block of 8"));
    cases.add(softmax(2, 256, 1, "longest row of a warp"));
    cases.add(softmax(2, 257, 1, "shortest row of a block, not in vectors of 4"));
    cases.add(softmax(2, 1023, 1, "one class below a vector for each of 256 threads"));
    cases.add(softmax(2, 1024, 1, "a vector of 4 for each of 256 threads"));
    cases.add(softmax(2, 1025, 1, "one class above, not in vectors of 4"));
    cases.add(softmax(1, 1028, 1000, "one vector above; running maxima far apart"));
    cases.add(softmaxOfSpecialNumbers());
    cases.add(longSoftmaxOfSpecialNumbers());
    for (LabelKind kind : LabelKind.values()) {
      cases.add(softmaxCrossEntropy(5, 7, kind, 0, 2, "primes"));
      cases.add(softmaxCrossEntropy(5, 7, kind, 0.1f, 2, "label smoothing"));
      cases.add(crossEntropy(5, 7, kind, 0, "primes"));
      cases.add(crossEntropy(5, 7, kind, 0.1f, "label smoothing"));
    }
    cases.add(softmaxCrossEntropy(1, 2, LabelKind.INDICES, 0, 1, "smallest"));
    cases.add(softmaxCrossEntropy(64, 10, LabelKind.INDICES, 0, 5, "reference CNN"));
    cases.add(softmaxCrossEntropy(3, 5, LabelKind.INDICES, 0, 1000, "exp would overflow"));
    cases.add(softmaxCrossEntropy(3, 300, LabelKind.INDICES, 0.1f, 5, "a block a row"));
    cases.add(softmaxCrossEntropy(2, 301, LabelKind.SOFT, 0.1f, 5, "a block a row, odd"));
    cases.add(softmaxCrossEntropy(2, 260, LabelKind.UNNORMALISED, 0, 5, "a block a row"));
    cases.add(softmaxCrossEntropy(2051, 3, LabelKind.INDICES, 0, 1, "losses of two chunks"));
    cases.add(crossEntropy(3, 300, LabelKind.INDICES, 0.1f, "a block a row"));
    cases.add(crossEntropy(2, 301, LabelKind.SOFT, 0, "a block a row, odd"));
    cases.add(crossEntropyBelowTheFloor());
    cases.add(softmaxThenCrossEntropy());
    cases.add(sumOfLosses());
    cases.add(meanSquaredError("one element", 1, 1));
    cases.add(meanSquaredError("an image of odd sizes", 3, 5, 7, 2));
    cases.add(meanSquaredError("one element above a chunk of 2048", 3, 683));
    cases.add(meanSquaredError("three chunks, 2 elements behind the last vector of 4", 2, 2051));
    cases.add(penalty(0.01f, 0, "L1 alone", 7, 5));
    cases.add(penalty(0, 0.01f, "L2 alone", 17, 3, 3, 3));
    cases.add(penalty(0.5f, 0.25f, "both, rank 1", 31));
    cases.add(penalty(0.01f, 0.02f, "a whole block of 4,096, four loads a thread", 64, 64));
    cases.add(penalty(0.01f, 0.02f, "one element past it: two partial sums", 17, 241));
    cases.add(penaltyOfZeros());
    return cases;
  }
}
