package dev.gridstride.cli;

import dev.gridstride.data.Progress;
import java.util.Locale;

/** Says how far a download or the decoding of images has come: every few seconds a line. */
final class FetchProgress implements Progress {
  private static final long NANOS_BETWEEN = 2_000_000_000L;

  private final Terminal terminal;
  private long next = System.nanoTime() + NANOS_BETWEEN;

  FetchProgress(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void update(String what, long done, long total) {
    if (System.nanoTime() - next > 0) {
      next = System.nanoTime() + NANOS_BETWEEN;
      terminal
          .err()
          .println(
              total > 0
                  ? String.format(Locale.ROOT, "%s: %d %%", what, 100 * done / total)
                  : String.format(Locale.ROOT, "%s: %,d", what, done));
    }
  }
}
