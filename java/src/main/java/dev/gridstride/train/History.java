package dev.gridstride.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What each finished epoch of a run came to, and why the run ended. */
public final class History {
  private final List<Epoch> epochs = new ArrayList<>();
  private StopReason stopReason = StopReason.FINISHED;
  private String stopMessage = "";

  /** Why training ended. */
  public enum StopReason {
    /** All epochs are done. */
    FINISHED,
    /** A callback had seen enough, for example early stopping. */
    CALLBACK,
    /** {@link Trainer#interrupt} was called. */
    INTERRUPTED,
    /** The loss became NaN or infinite. */
    NOT_FINITE
  }

  /**
   * One epoch.
   *
   * @param epoch counted from 1
   * @param seconds spent training, without validation and callbacks at the epoch's end
   * @param imagesPerSecond training samples over seconds
   * @param loss mean over the epoch's samples as they were trained, penalties included
   * @param accuracy share of them whose highest score was the label; NaN unless classification
   * @param valLoss loss of the validation set after the epoch; NaN without one
   * @param valAccuracy accuracy on it; NaN without one
   * @param learningRate of the epoch's last step
   */
  public record Epoch(
      int epoch,
      double seconds,
      double imagesPerSecond,
      double loss,
      double accuracy,
      double valLoss,
      double valAccuracy,
      double learningRate) {}

  History(List<Epoch> before) {
    epochs.addAll(before);
  }

  /** The finished epochs in order, those before a resume included. */
  public List<Epoch> epochs() {
    return Collections.unmodifiableList(epochs);
  }

  /** The latest finished epoch, or null if there is none. */
  public Epoch last() {
    return epochs.isEmpty() ? null : epochs.get(epochs.size() - 1);
  }

  /** Why the run ended. */
  public StopReason stopReason() {
    return stopReason;
  }

  /** The same in words; empty if all epochs are done. */
  public String stopMessage() {
    return stopMessage;
  }

  void add(Epoch epoch) {
    epochs.add(epoch);
  }

  void stopped(StopReason reason, String message) {
    stopReason = reason;
    stopMessage = message;
  }
}
