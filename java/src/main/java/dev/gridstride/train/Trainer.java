package dev.gridstride.train;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.ParameterSpec;
import dev.gridstride.optim.Adam;
import dev.gridstride.optim.Optimizer;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.op.Augmentation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;

/**
 * Trains, evaluates and applies one model on one device.
 *
 * <pre>{@code
 * try (Session session = Backends.open("auto", 0).session()) {
 *   Trainer trainer = Trainer.builder(model, session).seed(1).build();
 *   History history = trainer.fit(train, validation, 10);
 *   Evaluation result = trainer.evaluate(test);
 * }
 * }</pre>
 *
 * <p>Every epoch goes through the training set in an order drawn from the seed, in steps of {@code
 * batch} samples; what is left at the end makes one smaller step, as in Keras. A batch larger than
 * the data set is therefore one step of the whole set.
 *
 * <p>Data sets are copied to the device on first use and stay until the session is closed; for
 * cross-validation, open a session for each fold. One that does not fit the device stays on the
 * host and streams, with the same results; its arrays must stay as they are. Not thread-safe but
 * for {@link #interrupt}.
 */
public final class Trainer {
  private final Model model;
  private final Programs programs;
  private final SessionState state;
  private final Evaluator evaluator;
  private final int batch;
  private final int stepsPerLaunch;
  private final List<Callback> callbacks;
  private final Map<String, String> settings;
  private final Map<Dataset, Programs.Source> sources = new LinkedHashMap<>();
  private Progress progress = new Progress();
  private Checkpoint resumeFrom;
  private volatile boolean interrupted;

  private Trainer(Builder options) {
    model = options.model;
    programs =
        new Programs(model, options.loss, options.optimizer, options.augmentation, options.seed);
    state = new SessionState(options.session);
    batch = options.batch;
    stepsPerLaunch = options.stepsPerLaunch;
    evaluator = new Evaluator(programs, state, batch, stepsPerLaunch);
    callbacks = List.copyOf(options.callbacks);
    settings = Map.copyOf(options.settings);
    resumeFrom = options.resumeFrom;
    state.putAll(model.initialWeights(options.seed));
    state.put(States.LEARNING_RATE_FACTOR, Tensor.of(Shape.scalar(), 1f));
    state.put(States.FIRST_BAD_STEP, Tensor.of(Shape.scalar(), -1L));
  }

  /** Options of a trainer, each with a default. */
  public static Builder builder(Model model, Session session) {
    return new Builder(model, session);
  }

  /**
   * Trains until {@code epochs} epochs are done in all; those before a resume, or of an earlier
   * call on the same data, count. Other data than before begin at epoch 1, with the present weights
   * and optimizer state. A loss that is NaN or infinite ends training with the weights from before
   * that step, see {@link History#stopReason}.
   *
   * @param validation evaluated after each epoch; null for none
   * @return the epochs' results and why it ended
   * @throws OutOfDeviceMemoryException if a batch does not fit the device, with the largest that
   *     does
   * @throws TrainingException if the data do not fit the model, or the checkpoint this run
   */
  public History fit(Dataset train, Dataset validation, int epochs) {
    if (epochs < 1) {
      throw new TrainingException("epochs must be at least 1, got " + epochs);
    }
    check(train);
    if (validation != null) {
      check(validation);
    }
    try {
      return fitOnDevice(train, validation, epochs);
    } catch (OutOfDeviceMemoryException e) {
      evaluator.close();
      int most = Math.max(train.size(), validation == null ? 0 : validation.size());
      throw LargestBatch.name(
          e,
          state,
          Math.min(batch, most),
          size -> {
            List<Program> all =
                LargestBatch.parts(
                    train.size(), size, part -> programs.training(source(train), part));
            if (validation != null) {
              all.addAll(evaluations(validation, size));
            }
            return all;
          });
    }
  }

  private List<Program> evaluations(Dataset dataset, int size) {
    return LargestBatch.parts(
        dataset.size(), size, part -> programs.evaluation(source(dataset), part));
  }

  private History fitOnDevice(Dataset train, Dataset validation, int epochs) {
    if (progress.dataset != train) {
      progress = new Progress();
      progress.dataset = train;
      state.put(States.CURSOR, Tensor.of(Shape.scalar(), 0L));
    }
    try (Fit fit = new Fit(this, progress, source(train), validation, epochs)) {
      if (resumeFrom != null) {
        resume(fit);
      }
      if (validation != null) {
        evaluator.prepare(source(validation));
      }
      return fit.run(callbacks);
    } finally {
      interrupted = false;
    }
  }

  private void resume(Fit fit) {
    CheckpointInfo info = resumeFrom.info();
    List<String> differences = info.setup().differences(fit.setup());
    if (differences.isEmpty()) {
      compare(fit.snapshot(), resumeFrom.tensors(), differences);
    }
    if (!differences.isEmpty()) {
      throw new TrainingException(
          "the checkpoint does not fit this run: its "
              + String.join("; its ", differences)
              + "; go on with the net, data and settings that it was saved with, or start a run of"
              + " its own without it");
    }
    state.putAll(resumeFrom.tensors());
    progress.history = new History(info.history());
    progress.epochSeconds = info.epochSeconds();
    resumeFrom = null;
  }

  private static void compare(
      Map<String, Tensor> expected, Map<String, Tensor> got, List<String> differences) {
    TreeSet<String> names = new TreeSet<>(expected.keySet());
    names.addAll(got.keySet());
    for (String name : names) {
      Object saved = got.containsKey(name) ? got.get(name).type() : "missing";
      Object asked = expected.containsKey(name) ? expected.get(name).type() : "not there";
      if (!saved.equals(asked)) {
        differences.add("tensor " + name + " is " + saved + ", this run's is " + asked);
      }
    }
  }

  /**
   * Loss, accuracy and confusion matrix of the present weights on a data set.
   *
   * @throws TrainingException if the data do not fit the model
   */
  public Evaluation evaluate(Dataset dataset) {
    check(dataset);
    try {
      return evaluator.evaluate(source(dataset), () -> false);
    } catch (OutOfDeviceMemoryException e) {
      evaluator.close();
      int most = Math.min(batch, dataset.size());
      throw LargestBatch.name(e, state, most, size -> evaluations(dataset, size));
    }
  }

  /** As {@link #evaluate}, but null if {@link #interrupt} is called meanwhile. */
  Evaluation evaluateUnlessInterrupted(Dataset dataset) {
    return evaluator.evaluate(source(dataset), () -> interrupted);
  }

  /**
   * The model's output for samples, normalised as in training.
   *
   * @param samples uint8 or float32 [n, ...]
   * @return float32 [n, classes]; probabilities if the model ends in a softmax
   * @throws TrainingException if the samples do not fit the model
   */
  public Tensor predict(Tensor samples) {
    int[] dims = samples.shape().dims();
    DataType dtype = samples.type().dtype();
    boolean fits =
        dims.length > 1
            && Shape.of(Arrays.copyOfRange(dims, 1, dims.length)).equals(model.inputShape())
            && (dtype == DataType.UINT8 || dtype == DataType.FLOAT32);
    if (!fits) {
      throw new TrainingException(
          "predict: model "
              + model.name()
              + " takes UINT8 or FLOAT32 samples of shape "
              + model.inputShape()
              + ", got "
              + samples.type());
    }
    try {
      return evaluator.predict(samples);
    } catch (OutOfDeviceMemoryException e) {
      evaluator.close();
      int count = dims[0];
      throw LargestBatch.name(
          e,
          state,
          Math.min(batch, count),
          size ->
              LargestBatch.parts(count, size, part -> evaluator.prediction(samples.type(), part)));
    }
  }

  /**
   * The compiled training step of full batches on these data, for benchmarks and loops of one's
   * own. Each run fetches the next batch, changes weights and advances all counters. It is closed
   * with the session.
   *
   * @throws TrainingException if the data do not fit the model
   */
  public Executable trainingStep(Dataset train) {
    check(train);
    int size = Math.min(batch, train.size());
    try {
      return state.compile(programs.training(source(train), size).program());
    } catch (OutOfDeviceMemoryException e) {
      throw LargestBatch.name(
          e, state, size, part -> List.of(programs.training(source(train), part).program()));
    }
  }

  /** Asks the running (or else the next) {@link #fit} to end after its step. From any thread. */
  public void interrupt() {
    interrupted = true;
  }

  /** A copy of the model's parameters and running statistics by name. */
  public Map<String, Tensor> weights() {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    for (ParameterSpec parameter : model.parameters()) {
      weights.put(parameter.name(), state.get(parameter.name()));
    }
    return weights;
  }

  /**
   * Replaces the model's parameters and running statistics.
   *
   * @throws dev.gridstride.program.ProgramException if a name is missing or unknown, or a shape
   *     differs
   */
  public void setWeights(Map<String, Tensor> weights) {
    model.requireFits(weights, "the set of weights");
    state.putAll(weights);
  }

  /** The model. */
  public Model model() {
    return model;
  }

  Programs programs() {
    return programs;
  }

  SessionState state() {
    return state;
  }

  int batch() {
    return batch;
  }

  int stepsPerLaunch() {
    return stepsPerLaunch;
  }

  Map<String, String> settings() {
    return settings;
  }

  boolean interrupted() {
    return interrupted;
  }

  private Programs.Source source(Dataset dataset) {
    Programs.Source known = sources.get(dataset);
    if (known != null) {
      return known;
    }
    Programs.Source source = new Programs.Source("data" + (sources.size() + 1), dataset);
    sources.put(dataset, source);
    state.put(source.samplesName(), dataset.samples());
    state.put(source.labelsName(), dataset.labels());
    return source;
  }

  private void check(Dataset dataset) {
    if (!dataset.sampleShape().equals(model.inputShape())) {
      throw new TrainingException(
          "model "
              + model.name()
              + " takes samples of shape "
              + model.inputShape()
              + ", data set "
              + dataset.name()
              + " has "
              + dataset.sampleShape());
    }
    if (dataset.classes() != model.classes()) {
      throw new TrainingException(
          "model "
              + model.name()
              + " has "
              + model.classes()
              + " outputs, data set "
              + dataset.name()
              + " has "
              + dataset.classes()
              + " classes");
    }
  }

  /** Collects a trainer's options. */
  public static final class Builder {
    private final Model model;
    private final Session session;
    private Loss loss = Loss.crossEntropy();
    private Optimizer optimizer = Adam.defaults();
    private Augmentation augmentation = Augmentation.NONE;
    private int batch = 64;
    private int stepsPerLaunch = 1;
    private long seed;
    private final List<Callback> callbacks = new ArrayList<>();
    private final Map<String, String> settings = new LinkedHashMap<>();
    private Checkpoint resumeFrom;

    private Builder(Model model, Session session) {
      this.model = Objects.requireNonNull(model);
      this.session = Objects.requireNonNull(session);
    }

    /** What training minimises; categorical cross-entropy if not given. */
    public Builder loss(Loss value) {
      loss = Objects.requireNonNull(value);
      return this;
    }

    /** The update rule with its learning rate schedule; {@link Adam#defaults} if not given. */
    public Builder optimizer(Optimizer value) {
      optimizer = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Normalisation and random changes of training samples; none if not given. Evaluation and
     * prediction take the normalisation.
     */
    public Builder augmentation(Augmentation value) {
      augmentation = Objects.requireNonNull(value);
      return this;
    }

    /** Samples a step; 64 if not given. */
    public Builder batch(int value) {
      if (value < 1) {
        throw new TrainingException("batch must be at least 1, got " + value);
      }
      batch = value;
      return this;
    }

    /**
     * How many steps are handed to the device at once; 1 if not given. More spare a device with
     * short steps the time between them. Results are the same to the bit, but callbacks hear of
     * steps, and {@link Trainer#interrupt} takes effect, only between launches. More than an epoch
     * has are an epoch.
     */
    public Builder stepsPerLaunch(int value) {
      if (value < 1) {
        throw new TrainingException("steps per launch must be at least 1, got " + value);
      }
      stepsPerLaunch = value;
      return this;
    }

    /** Seed of initial weights, shuffle, augmentation and dropout; 0 if not given. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Adds a callback; they are called in the order in which they are added. */
    public Builder callback(Callback value) {
      callbacks.add(Objects.requireNonNull(value));
      return this;
    }

    /** Adds something that checkpoints should remember, such as a command line option. */
    public Builder setting(String name, String value) {
      settings.put(name, value);
      return this;
    }

    /** Goes on from a checkpoint at the first {@link Trainer#fit}; null for a fresh start. */
    public Builder resume(Checkpoint value) {
      resumeFrom = value;
      return this;
    }

    /** The trainer, with initial weights drawn from the seed. */
    public Trainer build() {
      return new Trainer(this);
    }
  }
}
