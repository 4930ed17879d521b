package dev.gridstride.train;

import dev.gridstride.files.AtomicFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * Keeps a CSV file with a line an epoch. After each epoch the file is written anew from the run's
 * whole history, so that a resumed run continues it without gaps or repetitions.
 */
public final class CsvLog implements Callback {
  private static final String HEADER =
      "epoch,seconds,images_per_second,loss,accuracy,val_loss,val_accuracy,learning_rate";

  private final Path file;

  /** A log in {@code file}. */
  public CsvLog(Path file) {
    this.file = file;
  }

  @Override
  public void onEpochEnd(Run run, History.Epoch epoch) {
    StringJoiner lines = new StringJoiner("\n", HEADER + "\n", "\n");
    run.history().epochs().forEach(done -> lines.add(line(done)));
    AtomicFiles.write(file, lines.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static String line(History.Epoch epoch) {
    return String.format(
        Locale.ROOT,
        "%d,%.3f,%.1f,%s,%s,%s,%s,%s",
        epoch.epoch(),
        epoch.seconds(),
        epoch.imagesPerSecond(),
        number(epoch.loss()),
        number(epoch.accuracy()),
        number(epoch.valLoss()),
        number(epoch.valAccuracy()),
        number(epoch.learningRate()));
  }

  /** Nine digits, or nothing for NaN. */
  private static String number(double value) {
    return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.9g", value);
  }
}
