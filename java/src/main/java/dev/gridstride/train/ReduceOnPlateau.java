package dev.gridstride.train;

/**
 * Multiplies the learning rate when the monitored number has not improved for some epochs. The
 * factor is part of the checkpoint; on a resumed run the epochs before count, too.
 */
public final class ReduceOnPlateau implements Callback {
  private final Monitor monitor;
  private final int patience;
  private final double factor;
  private double best;
  private int waited;

  /**
   * Reduction on a plateau.
   *
   * @param monitor the number to watch
   * @param patience epochs without improvement after which the rate falls, at least 1
   * @param factor of each fall, above 0 and below 1
   */
  public ReduceOnPlateau(Monitor monitor, int patience, double factor) {
    if (patience < 1 || !(factor > 0 && factor < 1)) {
      throw new TrainingException(
          "reduce on plateau: patience must be at least 1 and factor in (0, 1), got "
              + patience
              + " and "
              + factor);
    }
    this.monitor = monitor;
    this.patience = patience;
    this.factor = factor;
  }

  @Override
  public void onTrainBegin(Run run) {
    best = monitor.worst();
    waited = 0;
    run.history().epochs().forEach(this::plateau);
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    if (plateau(epoch)) {
      run.learningRateFactor(run.learningRateFactor() * factor);
    }
  }

  /** Counts an epoch; whether the rate falls after it. */
  private boolean plateau(History.Epoch epoch) {
    double value = monitor.of(epoch);
    if (monitor.better(value, best, 0)) {
      best = value;
      waited = 0;
      return false;
    }
    waited++;
    if (waited < patience) {
      return false;
    }
    waited = 0;
    return true;
  }
}
