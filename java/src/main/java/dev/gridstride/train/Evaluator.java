package dev.gridstride.train;

import dev.gridstride.backend.Executable;
import dev.gridstride.metrics.ConfusionMatrix;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Runs evaluation and prediction programs; keeps them compiled. */
final class Evaluator implements AutoCloseable {
  private record Key(String source, int batch) {}

  private record Prediction(StepProgram program, Executable executable) {}

  private final Programs programs;
  private final SessionState state;
  private final int batch;
  private final int stepsPerLaunch;
  private final Map<Key, Executable> evaluations = new HashMap<>();
  private final Map<TensorType, Prediction> predictions = new HashMap<>();

  Evaluator(Programs programs, SessionState state, int batch, int stepsPerLaunch) {
    this.programs = programs;
    this.state = state;
    this.batch = batch;
    this.stepsPerLaunch = stepsPerLaunch;
  }

  /** Evaluates all samples, or returns null as soon as {@code cancelled} says so. */
  Evaluation evaluate(Programs.Source source, BooleanSupplier cancelled) {
    clear();
    int n = source.dataset().size();
    for (int position = 0; position < n; ) {
      if (cancelled.getAsBoolean()) {
        return null;
      }
      int size = Math.min(batch, n - position);
      int times = Math.min(stepsPerLaunch, (n - position) / size);
      program(source, size).run(times);
      position += times * size;
    }
    return result(n);
  }

  /** Compiles what {@link #evaluate} runs, so that what does not fit fails now and not later. */
  void prepare(Programs.Source source) {
    int n = source.dataset().size();
    int size = Math.min(batch, n);
    program(source, size);
    if (n % size > 0) {
      program(source, n % size);
    }
  }

  private Executable program(Programs.Source source, int size) {
    return evaluations.computeIfAbsent(
        new Key(source.name(), size),
        key -> state.compile(programs.evaluation(source, size).program()));
  }

  private void clear() {
    zero(States.CURSOR, TensorType.scalar(DataType.INT64));
    zero(States.LOSS_SUM, TensorType.scalar(DataType.FLOAT64));
    zero(States.HITS, TensorType.scalar(DataType.INT64));
    zero(States.TOP_HITS, TensorType.scalar(DataType.INT64));
    zero(States.CONFUSION, programs.confusionType());
  }

  private void zero(String name, TensorType type) {
    state.put(States.EVALUATION + name, Tensor.zeros(type));
  }

  private Evaluation result(int n) {
    double loss = sum(States.LOSS_SUM) / n;
    if (!programs.loss().classification()) {
      return new Evaluation(n, loss, Double.NaN, programs.topK(), Double.NaN, null);
    }
    int classes = programs.model().classes();
    long[] flat = state.get(States.EVALUATION + States.CONFUSION).longs();
    long[][] counts = new long[classes][classes];
    for (int row = 0; row < classes; row++) {
      System.arraycopy(flat, row * classes, counts[row], 0, classes);
    }
    return new Evaluation(
        n,
        loss,
        sum(States.HITS) / n,
        programs.topK(),
        sum(States.TOP_HITS) / n,
        ConfusionMatrix.of(counts));
  }

  private double sum(String name) {
    return state.get(States.EVALUATION + name).scalar();
  }

  /** The model's output for each sample: float32 [n, classes]. */
  Tensor predict(Tensor samples) {
    int n = samples.shape().dim(0);
    int classes = programs.model().classes();
    float[] result = new float[Math.multiplyExact(n, classes)];
    for (int position = 0; position < n; ) {
      int size = Math.min(batch, n - position);
      Tensor part = rows(samples, position, size);
      Prediction prediction = predictions.computeIfAbsent(part.type(), this::compile);
      state.put(sourceName(part.type()) + ".samples", part);
      prediction.executable.run();
      float[] scores = prediction.executable.read(prediction.program.predictions()).floats();
      System.arraycopy(scores, 0, result, position * classes, scores.length);
      position += size;
    }
    return Tensor.of(Shape.of(n, classes), result);
  }

  private Prediction compile(TensorType samples) {
    TensorType labels = new TensorType(DataType.INT32, Shape.of(samples.shape().dim(0)));
    state.put(sourceName(samples) + ".labels", Tensor.zeros(labels));
    StepProgram program = programs.prediction(sourceName(samples), samples);
    return new Prediction(program, state.compile(program.program()));
  }

  /** The program that predicts {@code count} of such samples. */
  StepProgram prediction(TensorType samples, int count) {
    TensorType part = new TensorType(samples.dtype(), samples.shape().withRows(count));
    return programs.prediction(sourceName(part), part);
  }

  /** Frees the programs; they are compiled again when they are needed. Never throws. */
  @Override
  public void close() {
    evaluations.values().forEach(Executable::close);
    evaluations.clear();
    predictions.values().forEach(prediction -> prediction.executable().close());
    predictions.clear();
  }

  private static String sourceName(TensorType samples) {
    return "predict_" + samples.dtype() + "_" + samples.shape().dim(0);
  }

  private static Tensor rows(Tensor samples, int from, int count) {
    int row = Math.toIntExact(samples.shape().elementsPerRow());
    Shape shape = samples.shape().withRows(count);
    if (samples.type().dtype() == DataType.UINT8) {
      byte[] part = new byte[count * row];
      System.arraycopy(samples.bytes(), from * row, part, 0, part.length);
      return Tensor.of(shape, part);
    }
    float[] part = new float[count * row];
    System.arraycopy(samples.floats(), from * row, part, 0, part.length);
    return Tensor.of(shape, part);
  }
}
