package dev.gridstride.train;

import dev.gridstride.nn.SafeTensors;
import java.nio.file.Path;
import java.util.Map;

/** Saves the weights as safetensors after each epoch that is better than all before. */
public final class BestModel implements Callback {
  private final Path file;
  private final Monitor monitor;
  private double best;

  /** The best weights in {@code file}, by the number {@code monitor}. */
  public BestModel(Path file, Monitor monitor) {
    this.file = file;
    this.monitor = monitor;
  }

  @Override
  public void onTrainBegin(Run run) {
    best = monitor.worst();
    for (History.Epoch epoch : run.history().epochs()) {
      improves(epoch);
    }
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    if (improves(epoch)) {
      SafeTensors.write(file, run.trainer().weights(), Map.of());
    }
  }

  private boolean improves(History.Epoch epoch) {
    double value = monitor.of(epoch);
    if (!monitor.better(value, best, 0)) {
      return false;
    }
    best = value;
    return true;
  }
}
