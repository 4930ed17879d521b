package dev.gridstride.conformance;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Dropout;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.GlobalAvgPool2d;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MovingAverage;
import dev.gridstride.program.op.Pool2d;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import dev.gridstride.program.op.Schedule;
import dev.gridstride.program.op.Sgd;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.pass.Differentiate;
import dev.gridstride.program.pass.Fuse;
import dev.gridstride.program.pass.SinkRelu;
import dev.gridstride.program.pass.TrimConv;
import java.util.List;
import java.util.Map;

/**
 * Whole training steps as the training loop makes them: fetch, forward, loss, backward, optimiser
 * and counters in one program, then one with a smaller batch that shares the states.
 */
final class TrainingCases {
  private static final int CLASSES = 4;
  private static final int SAMPLES = 13;
  private static final int STEPS = 3;

  /**
   * Errors of a step feed the next. So long that 4.8e-5 of the largest magnitude may be lost, about
   * what float32 leaves of 4 steps of sums of some hundred terms.
   */
  private static final Tolerance OF_STEPS = Tolerance.ofSum(10_000);

  private TrainingCases() {}

  // Images are small: the fewer values before a ReLU, the less likely one is so near 0 that
  // rounding
  // decides whether its gradient passes. Trimming needs 15 x 15.

  /** The layers of a net, from a batch of images to class probabilities. */
  @FunctionalInterface
  private interface Net {
    Value build(Program.Builder b, Value images);
  }

  private static Value conv(
      Program.Builder b, String name, Value x, int out, Padding2d padding, boolean bias) {
    Value w = b.parameter(name + ".weight", Shape.of(out, x.shape().dim(1), 3, 3));
    Value y = b.add(name, Conv2d.PLAIN.withPadding(padding), x, w);
    return bias ? b.add(name, new BiasAdd(), y, b.parameter(name + ".bias", Shape.of(out))) : y;
  }

  private static Value relu(Program.Builder b, Value x) {
    return b.add("relu", new Relu(), x);
  }

  private static Value maxPool(Program.Builder b, Value x) {
    return b.addAll("pool", new MaxPool2d(Pool2d.of(2)), List.of(x)).get(0);
  }

  private static Value dense(Program.Builder b, String name, Value x, int out) {
    int features = Math.toIntExact(x.shape().elementsPerRow());
    Value flat = b.add("flat", new Reshape(Shape.of(x.shape().dim(0), features)), x);
    Value w = b.parameter(name + ".weight", Shape.of(out, features));
    Value y = b.add(name, new Dense(false), flat, w);
    return b.add(name, new BiasAdd(), y, b.parameter(name + ".bias", Shape.of(out)));
  }

  private static Value batchNorm(Program.Builder b, String name, Value x) {
    Shape channels = Shape.of(x.shape().dim(1));
    Value gamma = b.parameter(name + ".weight", channels);
    Value beta = b.parameter(name + ".bias", channels);
    List<Value> results = b.addAll(name, new BatchNorm(1e-3f), List.of(x, gamma, beta));
    for (int i = 1; i < 3; i++) {
      String state = name + (i == 1 ? ".running_mean" : ".running_var");
      Value average = b.state(state, new TensorType(DataType.FLOAT32, channels));
      b.update(new MovingAverage(0.1f, 1), List.of(average, results.get(i)), List.of(average));
    }
    return results.get(0);
  }

  /** The reference CNN in small: convolutions of odd width that trimming shortens. */
  private static Value cnn(Program.Builder b, Value images) {
    return cnn(b, images, 6, 17);
  }

  private static Value cnn(Program.Builder b, Value images, int channels1, int channels2) {
    Value x = maxPool(b, relu(b, conv(b, "conv1", images, channels1, Padding2d.NONE, true)));
    x = maxPool(b, relu(b, conv(b, "conv2", x, channels2, Padding2d.NONE, true)));
    return dense(b, "dense2", relu(b, dense(b, "dense1", x, 9)), CLASSES);
  }

  /** A residual block with batch normalisation. */
  private static Value residual(Program.Builder b, Value images) {
    Padding2d same = Padding2d.of(1);
    Value x = relu(b, batchNorm(b, "norm0", conv(b, "conv0", images, 5, same, false)));
    Value y = relu(b, batchNorm(b, "norm1", conv(b, "conv1", x, 5, same, false)));
    y = batchNorm(b, "norm2", conv(b, "conv2", y, 5, same, false));
    x = relu(b, b.add("sum", new Add(), x, y));
    return dense(b, "dense", b.add("mean", new GlobalAvgPool2d(), x), CLASSES);
  }

  /** Two dense layers with dropout between. */
  private static Value mlp(Program.Builder b, Value images) {
    Value x = relu(b, dense(b, "dense1", images, 19));
    Value step = b.state("step", TensorType.scalar(DataType.INT64));
    return dense(b, "dense2", b.add("drop", new Dropout(0.25f, 11), x, step), CLASSES);
  }

  /** Which optimiser and options a case has. */
  private enum Recipe {
    ADAM,
    ADAM_UNFUSED,
    NESTEROV
  }

  private static Program step(Net net, int side, int batch, Recipe recipe) {
    Program.Builder b = new Program.Builder();
    Value cursor = b.state("cursor", TensorType.scalar(DataType.INT64));
    List<Value> fetched =
        b.addAll(
            "batch",
            new FetchBatch(batch, true, 5, Augmentation.NONE),
            List.of(
                b.data("samples", new TensorType(DataType.UINT8, Shape.of(SAMPLES, 3, side, side))),
                b.data("labels", new TensorType(DataType.INT32, Shape.of(SAMPLES))),
                cursor));
    Value p = b.add("probabilities", new Softmax(), net.build(b, fetched.get(0)));
    Value loss = b.add("loss", new CrossEntropy(0), p, fetched.get(1));
    if (recipe == Recipe.NESTEROV) {
      for (Value w : parameters(b.build())) {
        Value penalty = b.add("penalty", new WeightPenalty(0, 1e-3f), w);
        loss = b.add("loss", new Add(), loss, penalty);
      }
    }
    b.output(loss);
    b.output(p);
    b.output(fetched.get(1));
    return recipe == Recipe.ADAM_UNFUSED
        ? withUpdates(b.build(), loss, p, fetched.get(1), batch, recipe)
        : SinkRelu.apply(
            withUpdates(
                TrimConv.apply(Fuse.apply(b.build())), loss, p, fetched.get(1), batch, recipe));
  }

  private static List<Value> parameters(Program program) {
    return program.values().stream().filter(value -> value.role() == Role.PARAMETER).toList();
  }

  private static Program withUpdates(
      Program forward, Value loss, Value p, Value labels, int batch, Recipe recipe) {
    Program.Builder b = new Program.Builder(forward);
    Map<Value, Value> gradients = Differentiate.append(b, loss, parameters(forward));
    TensorType count = TensorType.scalar(DataType.INT64);
    Value step = b.state("step", count);
    Value factor = b.state("factor", TensorType.scalar(DataType.FLOAT32));
    Value lr = b.add("lr", new LearningRate(new Schedule.Constant(0.02)), step, factor);
    gradients.forEach((w, g) -> update(b, recipe, w, g, step, lr));
    Value lossSum = b.state("loss_sum", TensorType.scalar(DataType.FLOAT64));
    Value hitSum = b.state("hits", count);
    Value hits = b.add("batch_hits", new Hits(1), p, labels);
    Value bad = b.state("first_bad_step", count);
    inPlace(b, new Accumulate(batch), lossSum, loss);
    inPlace(b, new Accumulate(1), hitSum, hits);
    inPlace(b, new CheckFinite(), bad, loss, step);
    inPlace(b, new Increment(batch), b.state("cursor", count));
    inPlace(b, new Increment(1), step);
    return b.build();
  }

  private static void inPlace(Program.Builder b, Op op, Value... inputs) {
    b.update(op, List.of(inputs), List.of(inputs[0]));
  }

  /** Epsilon is large, so that the step is a smooth function of gradients near zero. */
  private static void update(
      Program.Builder b, Recipe recipe, Value w, Value g, Value step, Value lr) {
    Value u = b.state("u/" + w.name(), w.type());
    if (recipe == Recipe.NESTEROV) {
      b.update(new Sgd(0.9f, true, 1e-3f), List.of(w, g, u, lr), List.of(w, u));
    } else {
      Value v = b.state("v/" + w.name(), w.type());
      Op adam = new Adam(0.9f, 0.999f, 1e-2f, 0);
      b.update(adam, List.of(w, g, u, v, step, lr), List.of(w, u, v));
    }
  }

  private static Case training(String what, Net net, int side, Recipe recipe, String reason) {
    return training(what, net, side, 5, 3, recipe, reason);
  }

  private static Case training(
      String what, Net net, int side, int batch, int restBatch, Recipe recipe, String reason) {
    Sketch sketch = new Sketch("training: " + what, reason, Numbers.Kind.REALS);
    Program full = step(net, side, batch, recipe);
    Program rest = step(net, side, restBatch, recipe);
    for (Value value : full.values()) {
      if (value.role().persistent()) {
        sketch.data().put(value, initial(sketch.numbers(), value));
        if (value.type().dtype() == DataType.INT64) {
          sketch.tolerate(value, Tolerance.EXACT);
        }
      }
    }
    return sketch.finish(
        OF_STEPS,
        List.of(new Case.Run(full, STEPS), new Case.Run(rest, 1), new Case.Run(full, 1)),
        null);
  }

  /** He-uniform weights, ones for factors and normalisation, zeros for the rest. */
  private static Tensor initial(Numbers numbers, Value value) {
    Shape shape = value.shape();
    if (value.name().equals("samples")) {
      return numbers.bytes(shape);
    } else if (value.name().equals("labels")) {
      return numbers.classes(SAMPLES, CLASSES);
    } else if (value.name().equals("factor")) {
      return Numbers.scalar(1f);
    } else if (value.name().equals("first_bad_step")) {
      return Numbers.scalar(-1L);
    } else if (value.role() == Role.PARAMETER && shape.rank() > 1) {
      double limit = Math.sqrt(6.0 / shape.elementsPerRow());
      return numbers.reals(shape, -limit, limit);
    } else if (value.role() == Role.PARAMETER) {
      return numbers.reals(shape, 0.5, 1);
    }
    return Tensor.zeros(value.type());
  }

  static List<Case> all() {
    return List.of(
        training("small CNN, adam", TrainingCases::cnn, 15, Recipe.ADAM, "all passes applied"),
        training(
            "small CNN, whole blocks",
            (b, images) -> cnn(b, images, 8, 16),
            15,
            16,
            8,
            Recipe.ADAM,
            "weight gradients as forward convolutions, bias gradients from the pooled map"),
        training(
            "small CNN, adam, no passes",
            TrainingCases::cnn,
            15,
            Recipe.ADAM_UNFUSED,
            "bias, relu, softmax and loss as ops of their own"),
        training(
            "residual block with batch normalisation, nesterov and penalties",
            TrainingCases::residual,
            6,
            Recipe.NESTEROV,
            "values with two readers; statistics of batches of 5 and of 3"),
        training(
            "dense net with dropout, adam",
            TrainingCases::mlp,
            7,
            Recipe.ADAM,
            "a mask that follows the step"));
  }
}
