package dev.gridstride.conformance;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.Schedule;
import dev.gridstride.program.op.Sgd;
import java.util.ArrayList;
import java.util.List;

/** Adam, SGD and learning rates over several steps. */
final class OptimizerCases {
  private static final int STEPS = 5;

  private OptimizerCases() {}

  private static Case adam(String variant, Adam adam, String reason, int... dims) {
    Sketch sketch =
        new Sketch("adam " + Shape.of(dims) + ", " + variant, reason, Numbers.Kind.REALS);
    Value w = sketch.parameter("w", dims);
    Value g = sketch.parameter("g", dims);
    Value m = sketch.state("m", Tensor.zeros(w.type()));
    Value v = sketch.state("v", Tensor.zeros(w.type()));
    Value step = sketch.counter("step");
    Value lr = learningRate(sketch, step, new Schedule.Constant(0.01));
    sketch.builder().update(adam, List.of(w, g, m, v, step, lr), List.of(w, m, v));
    sketch.builder().update(new Increment(1), List.of(step), List.of(step));
    return sketch.compare(Tolerance.ofSum(STEPS), STEPS);
  }

  private static Case adamFromLateStep() {
    Sketch sketch =
        new Sketch(
            "adam at step 100,000 with moments given",
            "bias corrections near 1, moments in use",
            Numbers.Kind.REALS);
    Value w = sketch.parameter("w", 31);
    Value g = sketch.parameter("g", 31);
    Value m = sketch.state("m", sketch.numbers().reals(Shape.of(31), -1, 1));
    Value v = sketch.state("v", sketch.numbers().reals(Shape.of(31), 0, 1));
    Value step = sketch.state("step", Numbers.scalar(100_000L));
    Value lr = learningRate(sketch, step, new Schedule.Constant(0.01));
    Op op = new Adam(0.9f, 0.999f, 1e-7f, 0);
    sketch.builder().update(op, List.of(w, g, m, v, step, lr), List.of(w, m, v));
    return sketch.compare(Tolerance.ofSum(1), 1);
  }

  /** 1 - beta2^2 is 2e-6, of which float32 has two digits if it is computed as it is written. */
  private static Case adamOfSlowMoments() {
    Sketch sketch =
        new Sketch(
            "adam with beta2 1 - 1e-6",
            "a bias correction that float32 arithmetic loses",
            Numbers.Kind.REALS);
    Value w = sketch.parameter("w", 31);
    Value g = sketch.parameter("g", 31);
    Value m = sketch.state("m", Tensor.zeros(w.type()));
    Value v = sketch.state("v", sketch.numbers().reals(Shape.of(31), 0, 1e-6));
    Value step = sketch.state("step", Numbers.scalar(1L));
    Value lr = learningRate(sketch, step, new Schedule.Constant(0.1));
    Op op = new Adam(0.9f, 0.999999f, 1e-7f, 0);
    sketch.builder().update(op, List.of(w, g, m, v, step, lr), List.of(w, m, v));
    return sketch.compare(Tolerance.ofSum(1), 1);
  }

  private static Case sgd(String variant, Sgd sgd, String reason, int... dims) {
    Sketch sketch =
        new Sketch("sgd " + Shape.of(dims) + ", " + variant, reason, Numbers.Kind.REALS);
    Value w = sketch.parameter("w", dims);
    Value g = sketch.parameter("g", dims);
    Value u = sketch.state("u", Tensor.zeros(w.type()));
    Value step = sketch.counter("step");
    Value lr = learningRate(sketch, step, new Schedule.Step(0.1, 2, 0.5));
    sketch.builder().update(sgd, List.of(w, g, u, lr), List.of(w, u));
    sketch.builder().update(new Increment(1), List.of(step), List.of(step));
    return sketch.compare(Tolerance.ofSum(STEPS), STEPS);
  }

  private static Value learningRate(Sketch sketch, Value step, Schedule schedule) {
    Value factor = sketch.state("factor", Numbers.scalar(1f));
    return sketch.builder().add("lr", new LearningRate(schedule), step, factor);
  }

  private static Case schedule(String name, Schedule schedule, String reason) {
    Sketch sketch = new Sketch("learning_rate " + name, reason, Numbers.Kind.REALS);
    Value step = sketch.counter("step");
    Value factor = sketch.state("factor", Numbers.scalar(0.75f));
    Value lr = sketch.builder().add("lr", new LearningRate(schedule), step, factor);
    sketch.builder().update(new Increment(3), List.of(step), List.of(step));
    return sketch.compare(Tolerance.ofSum(1), STEPS, lr);
  }

  static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    cases.add(adam("Keras's defaults", new Adam(0.9f, 0.999f, 1e-7f, 0), "plain Adam", 17, 3));
    cases.add(adam("PyTorch's epsilon", new Adam(0.9f, 0.999f, 1e-8f, 0), "below float's 1e-7", 5));
    cases.add(
        adam("beta1 0", new Adam(0, 0.99f, 1e-3f, 0), "no first moment; epsilon that matters", 7));
    cases.add(adam("adamw", new Adam(0.9f, 0.999f, 1e-8f, 0.01f), "decoupled decay", 33, 5));
    cases.add(
        adam("a convolution's weight", new Adam(0.9f, 0.999f, 1e-7f, 0), "rank 4", 9, 3, 3, 3));
    cases.add(
        adam(
            "several blocks",
            new Adam(0.9f, 0.999f, 1e-7f, 1e-3f),
            "one element past two blocks of 1,024",
            3,
            683));
    cases.add(adamFromLateStep());
    cases.add(adamOfSlowMoments());
    cases.add(sgd("plain", new Sgd(0, false, 0), "no momentum", 17, 3));
    cases.add(sgd("momentum", new Sgd(0.9f, false, 0), "velocity", 31));
    cases.add(sgd("nesterov", new Sgd(0.9f, true, 0), "look-ahead", 7, 5));
    cases.add(sgd("several blocks", new Sgd(0.9f, true, 1e-3f), "and a tail of three", 13, 79));
    cases.add(sgd("weight decay", new Sgd(0.9f, true, 5e-4f), "all at once", 9, 3, 3, 3));
    cases.add(schedule("constant", new Schedule.Constant(0.001), "the factor alone"));
    cases.add(schedule("step", new Schedule.Step(0.1, 4, 0.1), "a drop inside the runs"));
    cases.add(schedule("cosine", new Schedule.Cosine(0.1, 10, 0.001), "end passed"));
    cases.add(schedule("linear", new Schedule.Linear(0.1, 10, 0.01), "end passed"));
    Schedule cosine = new Schedule.Cosine(0.1, 100, 0);
    cases.add(
        schedule(
            "warm-up of a warm-up of steps",
            new Schedule.Warmup(7, new Schedule.Warmup(20, new Schedule.Step(0.1, 1, 0.9))),
            "both factors count; a drop every step"));
    cases.add(schedule("warm-up, then cosine", new Schedule.Warmup(5, cosine), "composed"));
    return cases;
  }
}
