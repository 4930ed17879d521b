package dev.gridstride.backend;

import java.util.function.LongSupplier;

/**
 * Times programs that have finished when the call returns, by the host's clock. For backends of
 * such devices.
 */
public final class HostTimer {
  /** A sample of warm runs takes so long at least, so that reading the clock is a thousandth. */
  private static final long SAMPLE_NANOS = 100_000;

  private static final int MOST_RUNS = 10_000;

  private HostTimer() {}

  /**
   * Takes the samples.
   *
   * @param run one run from call to end
   * @param flush empties the caches; called for {@link TimingOptions.Cache#COLD} alone
   * @param note as in {@link Timing}
   */
  public static Timing time(TimingOptions options, Runnable run, Runnable flush, String note) {
    return time(options, run, flush, note, System::nanoTime);
  }

  static Timing time(
      TimingOptions options, Runnable run, Runnable flush, String note, LongSupplier clock) {
    long begin = clock.getAsLong();
    long shortest = Long.MAX_VALUE;
    do {
      long start = clock.getAsLong();
      run.run();
      shortest = Math.min(shortest, clock.getAsLong() - start);
    } while (clock.getAsLong() - begin < options.warmUp().toNanos());
    boolean cold = options.cache() == TimingOptions.Cache.COLD;
    int runs =
        cold ? 1 : (int) Math.max(1, Math.min(MOST_RUNS, SAMPLE_NANOS / Math.max(1, shortest)));
    Sampling sampling = new Sampling(options, clock);
    do {
      if (cold) {
        flush.run();
      }
      long start = clock.getAsLong();
      for (int i = 0; i < runs; i++) {
        run.run();
      }
      sampling.add((double) (clock.getAsLong() - start) / runs);
    } while (!sampling.isDone());
    return sampling.result(runs, Double.NaN, Timing.Clocks.UNKNOWN, note);
  }
}
