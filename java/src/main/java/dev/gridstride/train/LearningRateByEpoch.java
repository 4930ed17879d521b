package dev.gridstride.train;

import java.util.function.IntToDoubleFunction;

/** Multiplies the scheduled learning rate by a factor that depends on the epoch. */
public final class LearningRateByEpoch implements Callback {
  private final IntToDoubleFunction factor;

  /**
   * A rate by epoch.
   *
   * @param factor of the epoch, counted from 1
   */
  public LearningRateByEpoch(IntToDoubleFunction factor) {
    this.factor = factor;
  }

  @Override
  public void onEpochBegin(Run run) {
    run.learningRateFactor(factor.applyAsDouble(run.epoch()));
  }
}
