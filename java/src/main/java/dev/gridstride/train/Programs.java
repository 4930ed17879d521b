package dev.gridstride.train;

import dev.gridstride.data.Dataset;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.ParameterSpec;
import dev.gridstride.nn.Scope;
import dev.gridstride.optim.Optimizer;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.LearningRate;
import dev.gridstride.program.pass.Differentiate;
import dev.gridstride.program.pass.Fuse;
import dev.gridstride.program.pass.SinkRelu;
import dev.gridstride.program.pass.TrimConv;
import java.util.List;
import java.util.Map;

/**
 * Builds the programs of a trainer. Each is everything that happens to a batch, so that a device
 * can run a step without the host:
 *
 * <ul>
 *   <li>training: fetch, model, loss and penalties, metrics, gradients, optimizer, counters
 *   <li>evaluation: fetch, model, loss, metrics, counter
 *   <li>prediction: fetch (for its normalisation), model
 * </ul>
 *
 * @param model the net
 * @param loss what training minimises
 * @param optimizer the update rule
 * @param augmentation of training samples; evaluation takes its normalisation only
 * @param seed of shuffle, augmentation and dropout
 */
record Programs(Model model, Loss loss, Optimizer optimizer, Augmentation augmentation, long seed) {
  static final int TOP_K = 5;

  /** A data set under the name that its values have in this session. */
  record Source(String name, Dataset dataset) {
    String samplesName() {
      return name + ".samples";
    }

    String labelsName() {
      return name + ".labels";
    }
  }

  /** The training step of {@code batch} samples. */
  StepProgram training(Source source, int batch) {
    Program.Builder forward = new Program.Builder();
    Forward pass = forward(forward, source, batch);
    Program fused = TrimConv.apply(Fuse.apply(forward.build()));
    Program.Builder builder = new Program.Builder(fused);
    List<Value> trainable =
        pass.parameters.stream()
            .filter(ParameterSpec::trainable)
            .map(ParameterSpec::value)
            .toList();
    Map<Value, Value> gradients = Differentiate.append(builder, pass.loss, trainable);
    Value step = States.int64(builder, States.STEP);
    Value factor = States.float32(builder, States.LEARNING_RATE_FACTOR);
    Value rate = builder.add("learning_rate", new LearningRate(optimizer.schedule()), step, factor);
    optimizer.addUpdates(builder, gradients, step, rate);
    increment(builder, States.CURSOR, batch);
    increment(builder, States.STEP, 1);
    return new StepProgram(SinkRelu.apply(builder.build()), pass.predictions, pass.parameters);
  }

  /**
   * The forward half of a training step with every layer's output to be read; for finding where
   * numbers go bad.
   */
  StepProgram inspection(Source source, int batch) {
    Program.Builder builder = new Program.Builder();
    Forward pass = forward(builder, source, batch);
    builder.build().nodes().stream()
        .flatMap(node -> node.outputs().stream())
        .filter(value -> !value.role().persistent() && value.type().dtype() == DataType.FLOAT32)
        .forEach(builder::output);
    return new StepProgram(builder.build(), pass.predictions, pass.parameters);
  }

  /** The evaluation of {@code batch} samples; sums go to states named {@code eval.*}. */
  StepProgram evaluation(Source source, int batch) {
    Program.Builder builder = new Program.Builder();
    Value cursor = States.int64(builder, States.EVALUATION + States.CURSOR);
    FetchBatch fetch = new FetchBatch(batch, false, seed, augmentation.forEvaluation());
    List<Value> fetched = fetch(builder, source, fetch, cursor);
    Scope scope = Scope.inference(builder);
    Value predictions = model.build(scope, fetched.get(0));
    Value labels = fetched.get(1);
    Value mean = scope.addPenalties(loss.forEvaluation().add(builder, predictions, labels));
    accumulate(builder, States.float64(builder, States.EVALUATION + States.LOSS_SUM), mean, batch);
    if (loss.classification()) {
      countHits(builder, States.EVALUATION + States.HITS, 1, predictions, labels);
      countHits(builder, States.EVALUATION + States.TOP_HITS, topK(), predictions, labels);
      Value counts = builder.state(States.EVALUATION + States.CONFUSION, confusionType());
      builder.update(new ConfusionCounts(), List.of(counts, predictions, labels), List.of(counts));
    }
    increment(builder, cursor.name(), batch);
    return new StepProgram(
        TrimConv.apply(Fuse.apply(builder.build())), predictions, scope.parameters());
  }

  /** The predictions for {@code samples}, a value that the caller writes before each run. */
  StepProgram prediction(String name, TensorType samples) {
    Program.Builder builder = new Program.Builder();
    int batch = samples.shape().dim(0);
    // Labels and cursor stay zero: a batch without labels, from its beginning.
    Value labels = builder.data(name + ".labels", new TensorType(DataType.INT32, Shape.of(batch)));
    Value cursor = States.int64(builder, States.EVALUATION + "start");
    FetchBatch fetch = new FetchBatch(batch, false, seed, augmentation.forEvaluation());
    Value written = builder.data(name + ".samples", samples);
    Value input = builder.addAll("batch", fetch, List.of(written, labels, cursor)).get(0);
    Scope scope = Scope.inference(builder);
    Value predictions = model.build(scope, input);
    builder.output(predictions);
    return new StepProgram(
        TrimConv.apply(Fuse.apply(builder.build())), predictions, scope.parameters());
  }

  int topK() {
    return Math.min(TOP_K, model.classes());
  }

  TensorType confusionType() {
    return new TensorType(DataType.INT64, Shape.of(model.classes(), model.classes()));
  }

  private record Forward(Value predictions, Value loss, List<ParameterSpec> parameters) {}

  private Forward forward(Program.Builder builder, Source source, int batch) {
    Value step = States.int64(builder, States.STEP);
    Value cursor = States.int64(builder, States.CURSOR);
    FetchBatch fetch = new FetchBatch(batch, true, seed, augmentation);
    List<Value> fetched = fetch(builder, source, fetch, cursor);
    Scope scope = Scope.training(builder, seed);
    Value predictions = model.build(scope, fetched.get(0));
    Value mean = scope.addPenalties(loss.add(builder, predictions, fetched.get(1)));
    accumulate(builder, States.float64(builder, States.LOSS_SUM), mean, batch);
    Value firstBad = States.int64(builder, States.FIRST_BAD_STEP);
    builder.update(new CheckFinite(), List.of(firstBad, mean, step), List.of(firstBad));
    if (loss.classification()) {
      countHits(builder, States.HITS, 1, predictions, fetched.get(1));
    }
    return new Forward(predictions, mean, scope.parameters());
  }

  private static List<Value> fetch(
      Program.Builder builder, Source source, FetchBatch fetch, Value cursor) {
    Value samples = builder.data(source.samplesName(), source.dataset().samples().type());
    Value labels = builder.data(source.labelsName(), source.dataset().labels().type());
    return builder.addAll("batch", fetch, List.of(samples, labels, cursor));
  }

  private static void countHits(
      Program.Builder builder, String state, int k, Value predictions, Value labels) {
    Value hits = builder.add("batch_" + state, new Hits(k), predictions, labels);
    accumulate(builder, States.int64(builder, state), hits, 1);
  }

  private static void accumulate(Program.Builder builder, Value sum, Value value, int factor) {
    builder.update(new Accumulate(factor), List.of(sum, value), List.of(sum));
  }

  private static void increment(Program.Builder builder, String state, int by) {
    Value count = States.int64(builder, state);
    builder.update(new Increment(by), List.of(count), List.of(count));
  }
}
