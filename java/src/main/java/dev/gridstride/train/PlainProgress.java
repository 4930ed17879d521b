package dev.gridstride.train;

import java.io.PrintStream;
import java.util.Locale;

/** Prints a line an epoch, and in long epochs one every some seconds; for logs and pipes. */
public final class PlainProgress implements Callback {
  private final PrintStream out;
  private final long nanosBetween;
  private long next;

  /**
   * Progress as plain lines.
   *
   * @param out where to
   * @param secondsBetween lines within an epoch; 0 for none
   */
  public PlainProgress(PrintStream out, int secondsBetween) {
    this.out = out;
    this.nanosBetween = secondsBetween * 1_000_000_000L;
  }

  @Override
  public void onEpochBegin(Run run) {
    next = System.nanoTime() + nanosBetween;
  }

  @Override
  public void onStepEnd(Run run) {
    if (nanosBetween > 0 && System.nanoTime() - next > 0) {
      out.println(
          String.format(
              Locale.ROOT,
              "epoch %d/%d step %d/%d%s",
              run.epoch(),
              run.epochs(),
              run.recent().stepInEpoch(),
              run.stepsInEpoch(),
              running(run)));
      next = System.nanoTime() + nanosBetween;
    }
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    out.println(summary(epoch, run.epochs()));
  }

  /** Loss, accuracy, images a second and share of feeding, lately in this epoch, if known yet. */
  static String running(Run run) {
    Recent recent = run.recent();
    if (!(recent.imagesPerSecond() > 0)) {
      return "";
    }
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "  loss %.4f", recent.loss()));
    accuracy(text, "accuracy", recent.accuracy());
    text.append(String.format(Locale.ROOT, "  %,.0f images/s", recent.imagesPerSecond()));
    double feed = run.feedShare();
    if (feed > 0) {
      text.append(String.format(Locale.ROOT, "  feed %.1f %%", 100 * feed));
    }
    return text.toString();
  }

  /** A finished epoch in one line. */
  static String summary(History.Epoch epoch, int epochs) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "epoch %d/%d  %.2f s  %,.0f images/s  loss %.4f",
            epoch.epoch(),
            epochs,
            epoch.seconds(),
            epoch.imagesPerSecond(),
            epoch.loss()));
    accuracy(text, "accuracy", epoch.accuracy());
    if (!Double.isNaN(epoch.valLoss())) {
      text.append(String.format(Locale.ROOT, "  val_loss %.4f", epoch.valLoss()));
      accuracy(text, "val_accuracy", epoch.valAccuracy());
    }
    return text.toString();
  }

  private static void accuracy(StringBuilder text, String name, double value) {
    if (!Double.isNaN(value)) {
      text.append(String.format(Locale.ROOT, "  %s %.4f", name, value));
    }
  }
}
