package dev.gridstride.train;

import dev.gridstride.backend.Executable;
import dev.gridstride.data.Dataset;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One call of {@link Trainer#fit}: the loop over epochs and steps. */
final class Fit implements Run {
  private final Trainer trainer;
  private final SessionState state;
  private final Progress progress;
  private final Programs.Source source;
  private final Dataset validation;
  private final int epochs;
  private final int samples;
  private final int fullBatch;
  private final StepProgram program;
  private final Executable fullStep;
  private final Executable restStep;
  private final Value cursor;
  private final Value step;
  private final Value lossSum;
  private final Value hits;
  private final Value firstBadStep;
  private final Value factor;
  private CheckpointInfo.Setup setup;
  private boolean stopped;
  private int epoch;
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
    fullStep = state.compile(program.program());
    int rest = samples % fullBatch;
    restStep =
        rest == 0 ? null : state.compile(trainer.programs().training(source, rest).program());
    cursor = program.value(States.CURSOR);
    step = program.value(States.STEP);
    lossSum = program.value(States.LOSS_SUM);
    hits = trainer.programs().loss().classification() ? program.value(States.HITS) : null;
    firstBadStep = program.value(States.FIRST_BAD_STEP);
    factor = program.value(States.LEARNING_RATE_FACTOR);
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
    if (position == 0) {
      progress.epochSeconds = 0;
      state.put(States.LOSS_SUM, Tensor.of(Shape.scalar(), 0.0));
      if (hits != null) {
        state.put(States.HITS, Tensor.of(Shape.scalar(), 0L));
      }
    }
    callbacks.forEach(callback -> callback.onEpochBegin(this));
    guard.beginEpoch();
    startFeedNanos = feedNanos();
    startNanos = System.nanoTime();
    training = true;
    while (position < samples && !stopping()) {
      runStep();
      guard.check(false);
      for (int i = 0; i < callbacks.size(); i++) {
        callbacks.get(i).onStepEnd(this);
      }
    }
    // Reading waits for the device, which may be at work on steps whose calls have returned.
    step();
    progress.epochSeconds += secondsHere();
    training = false;
    guard.check(true);
    if (position == samples && !stopping()) {
      finishEpoch(callbacks);
    }
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

  /** Runs the next step of the epoch. */
  void runStep() {
    int size = Math.min(fullBatch, samples - position);
    (size == fullBatch ? fullStep : restStep).run();
    position += size;
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
    return (long) state.scalar(step);
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
  public double imagesPerSecond() {
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
    long steps = step();
    CheckpointInfo info =
        new CheckpointInfo(
            CheckpointInfo.FORMAT,
            Checkpoint.tensorsName(steps),
            progress.history.epochs().size(),
            steps,
            (long) state.scalar(cursor),
            training ? progress.epochSeconds + secondsHere() : progress.epochSeconds,
            setup(),
            trainer.settings(),
            progress.history.epochs());
    new Checkpoint(info, tensors).save(folder);
  }
}
