package dev.gridstride.backend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Collects samples and says when there are enough: when their noise is as low as asked for, and
 * else when there are too many or time is up. For backends, which do the measuring.
 */
public final class Sampling {
  private final TimingOptions options;
  private final LongSupplier clock;
  private final long start;
  private final List<Double> nanos = new ArrayList<>();
  private int dropped;
  private int nextLook;
  private Timing.Stop stop;

  /** Begins; the time limit runs from now on. */
  public Sampling(TimingOptions options) {
    this(options, System::nanoTime);
  }

  Sampling(TimingOptions options, LongSupplier clock) {
    this.options = options;
    this.clock = clock;
    start = clock.getAsLong();
    nextLook = options.minSamples();
  }

  /** Adds a sample: the time of one run. */
  public void add(double runNanos) {
    nanos.add(runNanos);
  }

  /** Counts a sample that was taken while the device was throttled, and is left out. */
  public void drop() {
    dropped++;
  }

  /** How many samples may still be taken. */
  public int room() {
    return options.maxSamples() - nanos.size();
  }

  /** Whether there are enough; to be asked after each sample or group of them. */
  public boolean isDone() {
    if (stop == null) {
      stop = look();
    }
    return stop != null;
  }

  private Timing.Stop look() {
    if (nanos.size() >= nextLook) {
      nextLook = nanos.size() + nanos.size() / 8 + 1; // sorting them each time would take longer
      if (noise(sorted()) <= options.noise()) {
        return Timing.Stop.NOISE;
      }
    }
    if (nanos.size() >= options.maxSamples()) {
      return Timing.Stop.SAMPLES;
    }
    boolean timeIsUp = clock.getAsLong() - start >= options.limit().toNanos();
    return timeIsUp && nanos.size() + dropped > 0 ? Timing.Stop.LIMIT : null;
  }

  private double[] sorted() {
    return nanos.stream().mapToDouble(Double::doubleValue).sorted().toArray();
  }

  /**
   * The samples, once there are enough.
   *
   * @param runsPerSample as in {@link Timing}, and so the others
   */
  public Timing result(int runsPerSample, double hostNanos, Timing.Clocks clocks, String note) {
    if (stop == null) {
      throw new IllegalStateException("timing: sampling has not come to its end");
    }
    return new Timing(options, nanos, runsPerSample, stop, dropped, hostNanos, clocks, note);
  }

  /** The median of some times in any order. */
  public static double median(double... times) {
    double[] sorted = times.clone();
    Arrays.sort(sorted);
    return quantile(sorted, 0.5);
  }

  /** The time that a share of those in ascending order does not exceed; NaN if there are none. */
  static double quantile(double[] sorted, double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException("quantile: expected a share from 0 to 1, got " + share);
    }
    if (sorted.length == 0) {
      return Double.NaN;
    }
    double place = share * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  /** As {@link Timing#noise}. */
  static double noise(double[] sorted) {
    if (sorted.length < 2) {
      return Double.NaN;
    }
    return (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / quantile(sorted, 0.5);
  }
}
