package dev.gridstride.cli;

import dev.gridstride.train.Evaluation;
import java.util.Locale;

/** Test results in words. */
final class Results {
  private Results() {}

  /** The results in one line. */
  static String line(Evaluation result) {
    return String.format(
        Locale.ROOT,
        "test: %,d images, loss %.4f, accuracy %.2f %%, top %d %.2f %%",
        result.samples(),
        result.loss(),
        100 * result.accuracy(),
        result.topK(),
        100 * result.topAccuracy());
  }
}
