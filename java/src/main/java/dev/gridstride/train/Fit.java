package dev.gridstride.train;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Readings;
import dev.gridstride.data.Dataset;
import dev.gridstride.events.NvtxRange;
import dev.gridstride.events.StepEvent;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One call of {@link Trainer#fit}: the loop over epochs and steps. */
final class Fit implements Run, AutoCloseable {
  private static final NvtxRange STEPS = new NvtxRange("training steps");

  private final Trainer trainer;
  private final SessionState state;
  private final Progress progress;
  private final Programs.Source source;
  private final Dataset validation;
  private final int epochs;
  private final int samples;
  private final int fullBatch;
  private final StepProgram program;
  private final Value cursor;
  private final Value step;
  private final Value lossSum;
  private final Value hits;
  private final Value firstBadStep;
  private final Value factor;

  /** Null where there is none, or not yet. */
  private Executable fullStep;

  private Executable restStep;
  private Follower follower;

  private CheckpointInfo.Setup setup;
  private boolean stopped;
  private int epoch;
  private long stepsDone;
  private int position;
  private int firstPosition;
  private long startNanos;
  private long startFeedNanos;
  private boolean training;

  Fit(Trainer trainer, Progress progress, Programs.Source source, Dataset validation, int epochs) {
    this.trainer = trainer;
    this.state = trainer.state();
    this.progress = progress;
    this.source = source;
    this.validation = validation;
    this.epochs = epochs;
    samples = source.dataset().size();
    fullBatch = Math.min(trainer.batch(), samples);
    program = trainer.programs().training(source, fullBatch);
    cursor = program.value(States.CURSOR);
    step = program.value(States.STEP);
    lossSum = program.value(States.LOSS_SUM);
    hits = trainer.programs().loss().classification() ? program.value(States.HITS) : null;
    firstBadStep = program.value(States.FIRST_BAD_STEP);
    factor = program.value(States.LEARNING_RATE_FACTOR);
    boolean complete = false;
    try {
      compile();
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  private void compile() {
    fullStep = state.compile(program.program());
    int rest = samples % fullBatch;
    if (rest > 0) {
      restStep = state.compile(trainer.programs().training(source, rest).program());
    }
    follower = new Follower(follow(), hits != null, samples, fullBatch);
  }

  /** In the order of {@link Follower}'s indices. */
  private Readings follow() {
    List<Value> scalars = new ArrayList<>(List.of(cursor, lossSum, firstBadStep));
    if (hits != null) {
      scalars.add(hits);
    }
    return state.follow(scalars);
  }

  History run(List<Callback> callbacks) {
    NanGuard guard = new NanGuard(this);
    RuntimeException failure = null;
    try {
      callbacks.forEach(callback -> callback.onTrainBegin(this));
      while (progress.history.epochs().size() < epochs && !stopping()) {
        epoch(callbacks, guard);
      }
    } catch (RuntimeException e) {
      failure = e;
    }
    end(callbacks, failure);
    if (!stopped && progress.history.epochs().size() < epochs) {
      stop(History.StopReason.INTERRUPTED, "interrupted");
    }
    return progress.history;
  }

  private void end(List<Callback> callbacks, RuntimeException before) {
    RuntimeException failure = before;
    for (Callback callback : callbacks) {
      try {
        callback.onTrainEnd(this);
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void epoch(List<Callback> callbacks, NanGuard guard) {
    epoch = progress.history.epochs().size() + 1;
    position = (int) ((long) state.scalar(cursor) - (epoch - 1L) * samples);
    firstPosition = position;
    stepsDone = (long) state.scalar(step);
    if (position == 0) {
      progress.epochSeconds = 0;
      state.put(States.LOSS_SUM, Tensor.of(Shape.scalar(), 0.0));
      if (hits != null) {
        state.put(States.HITS, Tensor.of(Shape.scalar(), 0L));
      }
    }
    new NvtxRange("epoch " + epoch).push();
    try {
      steps(callbacks, guard);
    } finally {
      NvtxRange.pop();
    }
    if (position == samples && !stopping()) {
      finishEpoch(callbacks);
    }
  }

  private void steps(List<Callback> callbacks, NanGuard guard) {
    callbacks.forEach(callback -> callback.onEpochBegin(this));
    guard.beginEpoch();
    follower.beginEpoch(epoch);
    startFeedNanos = feedNanos();
    startNanos = System.nanoTime();
    training = true;
    while (position < samples && !stopping()) {
      runSteps(trainer.stepsPerLaunch());
      follower.look();
      guard.checkRecent();
      for (int i = 0; i < callbacks.size(); i++) {
        callbacks.get(i).onStepEnd(this);
      }
    }
    // Reading waits for the device, which may be at work on steps whose calls have returned.
    state.scalar(step);
    progress.epochSeconds += secondsHere();
    training = false;
    guard.check();
  }

  private void finishEpoch(List<Callback> callbacks) {
    double loss = loss();
    double accuracy = accuracy();
    Evaluation result = null;
    if (validation != null) {
      result = trainer.evaluateUnlessInterrupted(validation);
      if (result == null) {
        return;
      }
    }
    History.Epoch done =
        new History.Epoch(
            epoch,
            progress.epochSeconds,
            samples / progress.epochSeconds,
            loss,
            accuracy,
            result == null ? Double.NaN : result.loss(),
            result == null ? Double.NaN : result.accuracy(),
            learningRate());
    progress.history.add(done);
    callbacks.forEach(callback -> callback.onEpochEnd(this, done));
  }

  /** Runs the next steps of the epoch: one or more, at most {@code most}. */
  void runSteps(long most) {
    int whole = (samples - position) / fullBatch;
    int before = position;
    int times = whole == 0 ? 1 : (int) Math.min(most, whole);
    StepEvent event = StepEvent.start();
    STEPS.push();
    try {
      if (whole == 0) {
        restStep.run();
        position = samples;
      } else {
        fullStep.run(times);
        position += times * fullBatch;
      }
    } finally {
      NvtxRange.pop();
    }
    stepsDone += times;
    StepEvent.end(event, epoch, before, position - before, times);
  }

  /** Samples of the next step. */
  int nextBatch() {
    return Math.min(fullBatch, samples - position);
  }

  /** Everything that a later run needs to go on from here: parameters and states. */
  Map<String, Tensor> snapshot() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Value value : program.program().values()) {
      if (value.role() == Role.PARAMETER || value.role() == Role.STATE) {
        tensors.put(value.name(), state.get(value.name()));
      }
    }
    return tensors;
  }

  /** Goes back to a snapshot of this epoch. */
  void restore(Map<String, Tensor> snapshot, int toPosition) {
    state.putAll(snapshot);
    position = toPosition;
    stepsDone = (long) snapshot.get(States.STEP).scalar();
  }

  int position() {
    return position;
  }

  int samples() {
    return samples;
  }

  Programs.Source source() {
    return source;
  }

  Program program() {
    return program.program();
  }

  CheckpointInfo.Setup setup() {
    if (setup == null) {
      setup = Fingerprint.of(trainer.programs(), source.dataset(), trainer.batch());
    }
    return setup;
  }

  void stop(History.StopReason reason, String message) {
    stopped = true;
    progress.history.stopped(reason, message);
  }

  private double secondsHere() {
    return (System.nanoTime() - startNanos) / 1e9;
  }

  private long feedNanos() {
    return fullStep.fetchNanos() + (restStep == null ? 0 : restStep.fetchNanos());
  }

  @Override
  public Trainer trainer() {
    return trainer;
  }

  @Override
  public int epoch() {
    return epoch;
  }

  @Override
  public int epochs() {
    return epochs;
  }

  @Override
  public long step() {
    return stepsDone;
  }

  @Override
  public int stepInEpoch() {
    return (position + fullBatch - 1) / fullBatch;
  }

  @Override
  public int stepsInEpoch() {
    return (samples + fullBatch - 1) / fullBatch;
  }

  @Override
  public double loss() {
    return state.scalar(lossSum) / position;
  }

  @Override
  public double accuracy() {
    return hits == null ? Double.NaN : state.scalar(hits) / position;
  }

  @Override
  public Recent recent() {
    return follower;
  }

  @Override
  public double imagesPerSecond() {
    state.scalar(step); // waits for the device
    return (position - firstPosition) / secondsHere();
  }

  @Override
  public double feedShare() {
    return (feedNanos() - startFeedNanos) / 1e9 / secondsHere();
  }

  @Override
  public double learningRate() {
    return trainer.programs().optimizer().schedule().at(Math.max(0, step() - 1))
        * learningRateFactor();
  }

  @Override
  public void learningRateFactor(double value) {
    state.put(States.LEARNING_RATE_FACTOR, Tensor.of(Shape.scalar(), (float) value));
  }

  @Override
  public double learningRateFactor() {
    return state.scalar(factor);
  }

  @Override
  public long firstBadStep() {
    return (long) state.scalar(firstBadStep);
  }

  long recentFirstBadStep() {
    return follower.firstBadStep();
  }

  @Override
  public History history() {
    return progress.history;
  }

  @Override
  public void stop(String message) {
    stop(History.StopReason.CALLBACK, message);
  }

  @Override
  public boolean stopping() {
    return stopped || trainer.interrupted();
  }

  @Override
  public void saveCheckpoint(Path folder) {
    Map<String, Tensor> tensors = snapshot();
    if (NanGuard.isSpoiled(tensors, trainer.model())) {
      return;
    }
    long steps = (long) tensors.get(States.STEP).scalar();
    CheckpointInfo info =
        new CheckpointInfo(
            CheckpointInfo.FORMAT,
            Checkpoint.tensorsName(steps),
            progress.history.epochs().size(),
            steps,
            (long) state.scalar(cursor),
            training ? progress.epochSeconds + secondsHere() : progress.epochSeconds,
            setup(),
            state.computed(),
            trainer.settings(),
            progress.history.epochs());
    new Checkpoint(info, tensors).save(folder);
  }

  /** Frees the programs of the steps. Never throws. */
  @Override
  public void close() {
    if (follower != null) {
      follower.close();
    }
    if (fullStep != null) {
      fullStep.close();
    }
    if (restStep != null) {
      restStep.close();
    }
  }
}
