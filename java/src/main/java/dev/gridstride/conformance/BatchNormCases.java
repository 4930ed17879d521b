package dev.gridstride.conformance;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormInference;
import dev.gridstride.program.op.MovingAverage;
import java.util.ArrayList;
import java.util.List;

/** Batch normalisation in training and inference, and its running statistics. */
final class BatchNormCases {
  private static final float EPSILON = 1e-3f;

  private BatchNormCases() {}

  private static Case training(Shape shape, double offset, String reason) {
    Sketch sketch =
        new Sketch(
            "batch_norm " + shape + (offset == 0 ? "" : " round " + offset),
            reason,
            Numbers.Kind.REALS);
    Tensor input = sketch.numbers().reals(shape, offset - 1, offset + 1);
    Value x = sketch.input("x", input);
    Value gamma = sketch.parameter("gamma", shape.dim(1));
    Value beta = sketch.parameter("beta", shape.dim(1));
    List<Value> results =
        sketch.builder().addAll("y", new BatchNorm(EPSILON), List.of(x, gamma, beta));
    sketch.builder().output(results.get(1));
    sketch.builder().output(results.get(2));
    // The offset is lost again in x - mean, and with it that many leading digits.
    double lost = (1 + offset) * (1 + offset);
    long terms = shape.elements() / shape.dim(1) * Math.round(lost);
    return sketch.differentiate(results.get(0), Tolerance.ofUnits(terms), x, gamma, beta);
  }

  private static Case inference(Shape shape, String reason) {
    Sketch sketch = new Sketch("batch_norm_inference " + shape, reason, Numbers.Kind.REALS);
    int channels = shape.dim(1);
    Value x = sketch.input("x", shape.dims());
    Value gamma = sketch.parameter("gamma", channels);
    Value beta = sketch.parameter("beta", channels);
    Value mean = sketch.state("mean", sketch.numbers().reals(Shape.of(channels), -1, 1));
    Value variance = sketch.state("variance", sketch.numbers().reals(Shape.of(channels), 0, 2));
    Op op = new BatchNormInference(EPSILON);
    Value y = sketch.builder().add("y", op, x, gamma, beta, mean, variance);
    long terms = shape.elements() / channels;
    return sketch.differentiate(y, Tolerance.ofUnits(terms), x, gamma, beta);
  }

  private static Case runningStatistics() {
    Sketch sketch =
        new Sketch(
            "moving_average of batch_norm's statistics over 3 runs",
            "states updated in place, with the unbiased variance",
            Numbers.Kind.REALS);
    Value x = sketch.input("x", 5, 17, 3, 3);
    Value gamma = sketch.parameter("gamma", 17);
    Value beta = sketch.parameter("beta", 17);
    Value mean = sketch.state("running_mean", sketch.numbers().reals(Shape.of(17), -1, 1));
    Value variance = sketch.state("running_var", sketch.numbers().reals(Shape.of(17), 0, 2));
    List<Value> results =
        sketch.builder().addAll("y", new BatchNorm(EPSILON), List.of(x, gamma, beta));
    average(sketch, new MovingAverage(0.1f, 1), mean, results.get(1));
    average(sketch, new MovingAverage(0.1f, 45f / 44f), variance, results.get(2));
    return sketch.compare(Tolerance.ofSum(45), 3, results.get(0));
  }

  private static void average(Sketch sketch, Op op, Value state, Value value) {
    sketch.builder().update(op, List.of(state, value), List.of(state));
  }

  private static Case exactAverage() {
    Sketch sketch =
        new Sketch(
            "moving_average with momentum 0.5",
            "halves of even integers: exact",
            Numbers.Kind.INTEGERS);
    Value value = sketch.parameter("value", Tensor.of(Shape.of(3), 8f, -16f, 32f));
    Value state = sketch.state("average", Tensor.of(Shape.of(3), 0f, 16f, 64f));
    average(sketch, new MovingAverage(0.5f, 1), state, value);
    return sketch.compare(Tolerance.EXACT, 3);
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    cases.add(training(Shape.of(5, 7), 0, "[N,C], primes"));
    cases.add(training(Shape.of(64, 17), 0, "[N,C], one channel above a block of 16"));
    cases.add(training(Shape.of(5, 3, 4, 7), 0, "[N,C,H,W], odd channels"));
    cases.add(training(Shape.of(1, 17, 6, 6), 0, "batch 1: statistics over the image alone"));
    cases.add(training(Shape.of(3, 1, 5, 5), 0, "a single channel"));
    cases.add(training(Shape.of(5, 32, 8, 8), 0, "whole blocks of channels, odd batch"));
    cases.add(training(Shape.of(3, 5, 9, 11), 0, "297 rows of 5 channels: chunks of 256 and 41"));
    cases.add(training(Shape.of(2, 3, 17, 19), 0, "646 rows of 3 channels: two chunks"));
    cases.add(training(Shape.of(7, 4, 17, 19), 0, "one vector of 4 channels, chunks of 2048 rows"));
    cases.add(training(Shape.of(9, 132), 0, "33 vectors of 4: one above a tile of channels"));
    cases.add(training(Shape.of(130, 33), 0, "one channel above a tile, chunks of 64, 64 and 2"));
    cases.add(
        training(
            Shape.of(5, 3, 6, 6), 30, "mean far above the spread: E(x^2) - mean^2 would lose"));
    cases.add(inference(Shape.of(5, 7), "[N,C]"));
    cases.add(inference(Shape.of(3, 17, 5, 4), "[N,C,H,W], odd channels"));
    cases.add(inference(Shape.of(1, 16, 3, 3), "batch 1"));
    cases.add(inference(Shape.of(130, 33), "one channel above a tile, several chunks"));
    cases.add(runningStatistics());
    cases.add(exactAverage());
    return cases;
  }
}
