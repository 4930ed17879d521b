package dev.gridstride.train;

import dev.gridstride.program.Tensor;
import java.util.Map;

/**
 * Ends training when the monitored number has not improved for some epochs.
 *
 * <p>On a resumed run, the epochs before count too; the best weights are then only known from the
 * resume on.
 */
public final class EarlyStopping implements Callback {
  private final Monitor monitor;
  private final int patience;
  private final double minDelta;
  private final boolean restoreBest;
  private double best;
  private int bestEpoch;
  private Map<String, Tensor> bestWeights;

  /**
   * Early stopping.
   *
   * @param monitor the number to watch
   * @param patience epochs without improvement after which training ends, at least 1
   * @param minDelta a smaller change is no improvement
   * @param restoreBest whether the model gets the weights of its best epoch when training ends
   */
  public EarlyStopping(Monitor monitor, int patience, double minDelta, boolean restoreBest) {
    if (patience < 1 || !(minDelta >= 0)) {
      throw new TrainingException(
          "early stopping: patience must be at least 1 and minDelta at least 0, got "
              + patience
              + " and "
              + minDelta);
    }
    this.monitor = monitor;
    this.patience = patience;
    this.minDelta = minDelta;
    this.restoreBest = restoreBest;
  }

  @Override
  public void onTrainBegin(Run run) {
    best = monitor.worst();
    bestEpoch = 0;
    bestWeights = null;
    run.history().epochs().forEach(this::improves);
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    if (improves(epoch)) {
      bestWeights = restoreBest ? run.trainer().weights() : null;
    } else if (epoch.epoch() - bestEpoch >= patience) {
      run.stop(
          String.format(
              java.util.Locale.ROOT,
              "early stopping: %s has not improved on %.4f of epoch %d for %d epochs",
              monitor,
              best,
              bestEpoch,
              patience));
    }
  }

  private boolean improves(History.Epoch epoch) {
    double value = monitor.of(epoch);
    boolean better = monitor.better(value, best, minDelta);
    if (better) {
      best = value;
      bestEpoch = epoch.epoch();
    }
    return better;
  }

  @Override
  public void onTrainEnd(Run run) {
    if (bestWeights != null && run.history().stopReason() != History.StopReason.INTERRUPTED) {
      run.trainer().setWeights(bestWeights);
    }
  }
}
