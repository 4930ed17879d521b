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

  /** Steps done since the beginning of training, those before a resume included. */
  long step();

  /** Steps done in this epoch. */
  int stepInEpoch();

  /** Steps of a whole epoch, the last of which may be of a smaller batch. */
  int stepsInEpoch();

  /** Mean loss of the epoch so far. Reads the device without allocating. */
  double loss();

  /** Accuracy of the epoch so far, NaN unless classification. Does not allocate. */
  double accuracy();

  /** Training samples a second in this epoch so far, as far as this process trained it. */
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

  /** First step whose loss was NaN or infinite, or -1. Does not allocate. */
  long firstBadStep();

  /** Finished epochs. */
  History history();

  /** Ends the run after this step or epoch. */
  void stop(String message);

  /** Whether something asked the run to end. */
  boolean stopping();

  /** Saves a checkpoint from which {@link Trainer.Builder#resume} goes on at this very step. */
  void saveCheckpoint(Path folder);
}
