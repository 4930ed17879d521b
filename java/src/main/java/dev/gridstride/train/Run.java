package dev.gridstride.train;

import java.nio.file.Path;

/** A training run as callbacks see it. Epochs count from 1, steps from 0. */
public interface Run {
  /** The trainer, to read or write weights. */
  Trainer trainer();

  /** The epoch being trained. */
  int epoch();

  /** Epochs after which the run ends. */
  int epochs();

  /**
   * Steps since the beginning of training, those before a resume included. The device may still be
   * at work on the last of them.
   */
  long step();

  /** Steps in this epoch; the device may still be at work on the last of them. */
  int stepInEpoch();

  /** Steps of a whole epoch, the last of which may be of a smaller batch. */
  int stepsInEpoch();

  /**
   * Mean loss of the epoch up to this very step. Waits for the device, which then has nothing to do
   * for a moment; {@link #recent} does not. Does not allocate.
   */
  double loss();

  /** Accuracy, NaN unless classification; as {@link #loss}. */
  double accuracy();

  /** The figures that came from the device last, for progress lines; never waits for it. */
  Recent recent();

  /**
   * Training samples a second in this epoch so far, as far as this process trained it; waits for
   * the device, as {@link #loss}.
   */
  double imagesPerSecond();

  /**
   * Share of the epoch's time that went to fetching batches, from 0 to 1; 0 if the device does not
   * measure it.
   */
  double feedShare();

  /** Learning rate of the latest step: schedule times factor. */
  double learningRate();

  /** Multiplies the schedule's learning rate from the next step on; 1 at first. */
  void learningRateFactor(double factor);

  /** The present factor. */
  double learningRateFactor();

  /** First step whose loss was NaN or infinite, or -1. Waits for the device; does not allocate. */
  long firstBadStep();

  /** Finished epochs. */
  History history();

  /** Ends the run after this step or epoch. */
  void stop(String message);

  /** Whether something asked the run to end. */
  boolean stopping();

  /**
   * Saves a checkpoint from which {@link Trainer.Builder#resume} goes on at this very step. Does
   * nothing if the loss or a weight is no longer finite: the last good checkpoint stays.
   */
  void saveCheckpoint(Path folder);
}
