package dev.gridstride.conformance;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.Increment;
import java.util.ArrayList;
import java.util.List;

/** Metrics and counters; all of them exact. */
final class MetricCases {
  private MetricCases() {}

  private static Case hits(int k, int rows, int classes, boolean soft, String reason) {
    Sketch sketch =
        new Sketch(
            "hits " + k + " of [" + rows + "," + classes + "]" + (soft ? ", soft labels" : ""),
            reason,
            Numbers.Kind.INTEGERS);
    Value scores = sketch.input("scores", rows, classes);
    Value labels = labels(sketch, rows, classes, soft);
    return sketch.compare(
        Tolerance.EXACT, sketch.builder().add("hits", new Hits(k), scores, labels));
  }

  /** Soft labels from -2 to 2 are no distributions, but full of ties. */
  private static Value labels(Sketch sketch, int rows, int classes, boolean soft) {
    return soft
        ? sketch.input("labels", rows, classes)
        : sketch.input("labels", sketch.numbers().classes(rows, classes));
  }

  private static Value scoresWithNan(Sketch sketch) {
    float nan = Float.NaN;
    return sketch.input(
        "scores",
        Tensor.of(Shape.of(5, 3), nan, 1, 0, 1, nan, 2, nan, nan, nan, nan, nan, -9, 0, nan, nan));
  }

  private static Case hitsOfNan(int k) {
    Sketch sketch =
        new Sketch(
            "hits " + k + " of scores with NaN",
            "NaN is lower than all others",
            Numbers.Kind.INTEGERS);
    Value scores = scoresWithNan(sketch);
    Value labels = sketch.input("labels", Tensor.of(Shape.of(5), 1, 1, 0, 2, 1));
    return sketch.compare(
        Tolerance.EXACT, sketch.builder().add("hits", new Hits(k), scores, labels));
  }

  private static Case confusion(int rows, int classes, boolean soft, String reason) {
    Sketch sketch =
        new Sketch(
            "confusion_counts [" + rows + "," + classes + "]" + (soft ? ", soft labels" : ""),
            reason,
            Numbers.Kind.INTEGERS);
    Value scores = sketch.input("scores", rows, classes);
    return confusion(sketch, scores, labels(sketch, rows, classes, soft), classes);
  }

  private static Case confusion(Sketch sketch, Value scores, Value labels, int classes) {
    TensorType type = new TensorType(DataType.INT64, Shape.of(classes, classes));
    Value counts = sketch.state("counts", Tensor.zeros(type));
    Op op = new ConfusionCounts();
    sketch.builder().update(op, List.of(counts, scores, labels), List.of(counts));
    return sketch.compare(Tolerance.EXACT, 2);
  }

  private static Case confusionOfNan() {
    Sketch sketch =
        new Sketch(
            "confusion_counts of scores with NaN",
            "NaN is never predicted, unless all are NaN",
            Numbers.Kind.INTEGERS);
    Value scores = scoresWithNan(sketch);
    Value labels = sketch.input("labels", Tensor.of(Shape.of(5), 1, 1, 0, 2, 1));
    return confusion(sketch, scores, labels, 3);
  }

  private static Case counters() {
    Sketch sketch =
        new Sketch(
            "accumulate and increment",
            "float32 into float64, int64 into both, with factors, beyond 2^32",
            Numbers.Kind.INTEGERS);
    Value scores = sketch.input("scores", 5, 3);
    Value labels = labels(sketch, 5, 3, false);
    Value hits = sketch.builder().add("hits", new Hits(1), scores, labels);
    Value loss = sketch.parameter("loss", Numbers.scalar(0.1f));
    Value lossSum = sketch.state("loss_sum", Tensor.of(Shape.scalar(), 0.5));
    Value hitSum = sketch.state("hit_sum", Numbers.scalar(1L << 40));
    Value hitMean = sketch.state("hit_mean", Tensor.of(Shape.scalar(), 0.0));
    Value step = sketch.state("step", Numbers.scalar((1L << 53) + 1));
    add(sketch, new Accumulate(64), lossSum, loss);
    add(sketch, new Accumulate(3), hitSum, hits);
    add(sketch, new Accumulate(1), hitMean, hits);
    sketch.builder().update(new Increment(-7), List.of(step), List.of(step));
    return sketch.compare(Tolerance.EXACT, 3, hits);
  }

  /** A sum of each type, of a value of each type that it takes. */
  private static Case accumulateEveryType() {
    Sketch sketch =
        new Sketch("accumulate every type", "negative factors, too", Numbers.Kind.INTEGERS);
    Shape scalar = Shape.scalar();
    List<Value> values =
        List.of(
            sketch.state("u8", Tensor.of(scalar, (byte) 200)),
            sketch.state("i32", Tensor.of(scalar, -7)),
            sketch.state("i64", Tensor.of(scalar, 1L << 40)),
            sketch.state("f64", Tensor.of(scalar, 0.125)));
    for (Value value : values) {
      Value real = sketch.state("f64 of " + value.name(), Tensor.of(scalar, 0.5));
      add(sketch, new Accumulate(-3), real, value);
      if (value.type().dtype() != DataType.FLOAT64) {
        Value whole = sketch.state("i64 of " + value.name(), Tensor.of(scalar, 5L));
        add(sketch, new Accumulate(11), whole, value);
      }
    }
    return sketch.compare(Tolerance.EXACT, 2);
  }

  private static void add(Sketch sketch, Op op, Value sum, Value value) {
    sketch.builder().update(op, List.of(sum, value), List.of(sum));
  }

  private static Case checkFinite(float value, long first, String reason) {
    Sketch sketch =
        new Sketch("check_finite of " + value + " after " + first, reason, Numbers.Kind.INTEGERS);
    Value loss = sketch.parameter("loss", Numbers.scalar(value));
    Value firstBad = sketch.state("first_bad_step", Numbers.scalar(first));
    Value step = sketch.state("step", Numbers.scalar(12L));
    Op op = new CheckFinite();
    sketch.builder().update(op, List.of(firstBad, loss, step), List.of(firstBad));
    sketch.builder().update(new Increment(1), List.of(step), List.of(step));
    return sketch.compare(Tolerance.EXACT, 2);
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    cases.add(hits(1, 1, 1, false, "everything 1"));
    cases.add(hits(1, 64, 10, false, "accuracy, with many ties: the lower class comes first"));
    cases.add(hits(5, 64, 10, false, "top 5 with ties"));
    cases.add(hits(3, 7, 3, false, "k of all classes: every sample hits"));
    cases.add(hits(1, 63, 5, true, "soft labels with ties: the first of the highest is true"));
    cases.add(hits(1, 63, 32, false, "a warp's width of classes; one sample below a block"));
    cases.add(hits(4, 130, 33, false, "one class past a warp; three blocks add up"));
    cases.add(hits(7, 65, 100, true, "soft labels of several warps' width, two blocks"));
    cases.add(hitsOfNan(1));
    cases.add(hitsOfNan(2));
    cases.add(confusion(64, 5, false, "two runs add up; ties"));
    cases.add(confusion(7, 3, true, "soft labels with ties"));
    cases.add(confusion(130, 33, false, "one class past a warp; three blocks"));
    cases.add(confusion(9, 65, true, "soft labels of several warps' width"));
    cases.add(confusionOfNan());
    cases.add(counters());
    cases.add(accumulateEveryType());
    cases.add(checkFinite(1.5f, -1, "nothing wrong"));
    cases.add(checkFinite(Float.NaN, -1, "the first step is kept, not the second"));
    cases.add(checkFinite(Float.NEGATIVE_INFINITY, -1, "infinity counts too"));
    cases.add(checkFinite(Float.NaN, 3, "an earlier step stays"));
    return cases;
  }
}
