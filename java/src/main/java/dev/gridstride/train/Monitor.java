package dev.gridstride.train;

/** A number of an epoch by which callbacks judge progress. */
public enum Monitor {
  /** Validation loss; less is better. */
  VAL_LOSS,
  /** Validation accuracy; more is better. */
  VAL_ACCURACY,
  /** Training loss; less is better. */
  LOSS;

  /**
   * The number.
   *
   * @throws TrainingException if the epoch has none, for want of validation data
   */
  public double of(History.Epoch epoch) {
    double value =
        switch (this) {
          case VAL_LOSS -> epoch.valLoss();
          case VAL_ACCURACY -> epoch.valAccuracy();
          case LOSS -> epoch.loss();
        };
    if (Double.isNaN(value)) {
      throw new TrainingException(
          this + " cannot be watched: give fit a validation set, of a classification for accuracy");
    }
    return value;
  }

  /** Whether {@code value} is better than {@code best} by more than {@code minDelta}. */
  public boolean better(double value, double best, double minDelta) {
    return this == VAL_ACCURACY ? value - minDelta > best : value + minDelta < best;
  }

  /** What everything is better than. */
  public double worst() {
    return this == VAL_ACCURACY ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }

  /** As in the history's column: {@code val_loss}. */
  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
