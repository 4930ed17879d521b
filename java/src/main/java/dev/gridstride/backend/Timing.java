package dev.gridstride.backend;

import java.util.List;
import java.util.Locale;

/**
 * Samples of a program's time on its device.
 *
 * @param options how they were taken
 * @param nanos time of one run in each sample, in the order in which they were taken; empty only if
 *     the device was throttled in all of them
 * @param runsPerSample how many runs back to back a sample is the mean of
 * @param stop why sampling ended
 * @param dropped samples left out because the device was throttled
 * @param hostNanos how long {@link Executable#run()} keeps the host busy where it only hands the
 *     work to the device, as a median; else NaN
 * @param clocks the device's clocks during the samples
 * @param note what a reader must know about these times, or empty
 */
public record Timing(
    TimingOptions options,
    List<Double> nanos,
    int runsPerSample,
    Stop stop,
    int dropped,
    double hostNanos,
    Clocks clocks,
    String note) {
  /** Why sampling ended. */
  public enum Stop {
    /** The noise was as low as asked for. */
    NOISE,
    /** Time was up. */
    LIMIT,
    /** There were as many samples as are allowed. */
    SAMPLES
  }

  /**
   * What was seen of a device's clocks.
   *
   * @param lowestMhz of the multiprocessors; 0 if not known
   * @param highestMhz of the multiprocessors; 0 if not known
   * @param memoryMhz of the memory; 0 if not known
   * @param heldDown what kept the clocks low at some time, for example {@code power cap}
   */
  public record Clocks(int lowestMhz, int highestMhz, int memoryMhz, List<String> heldDown) {
    /** Nothing is known. */
    public static final Clocks UNKNOWN = new Clocks(0, 0, 0, List.of());

    /** Copies the list. */
    public Clocks {
      heldDown = List.copyOf(heldDown);
    }

    /** In words. */
    @Override
    public String toString() {
      if (highestMhz == 0) {
        return "clocks not known";
      }
      return (lowestMhz == highestMhz ? "" : lowestMhz + " to ")
          + highestMhz
          + " MHz, memory "
          + memoryMhz
          + " MHz"
          + (heldDown.isEmpty() ? "" : ", held down by " + String.join(" and ", heldDown));
    }
  }

  /** Copies the list. */
  public Timing {
    nanos = List.copyOf(nanos);
  }

  /** How many samples there are. */
  public int samples() {
    return nanos.size();
  }

  /** The middle of the samples in nanoseconds; NaN if there are none. */
  public double median() {
    return quantile(0.5);
  }

  /**
   * The time that a share of the samples does not exceed, interpolated between neighbours; NaN if
   * there are none.
   *
   * @param share from 0 (the shortest) to 1 (the longest)
   */
  public double quantile(double share) {
    return Sampling.quantile(
        nanos.stream().mapToDouble(Double::doubleValue).sorted().toArray(), share);
  }

  /**
   * The distance between the quartiles as a share of the median: half of the samples lie so close
   * together. Single late samples do not raise it. NaN with fewer than two samples.
   */
  public double noise() {
    return Sampling.noise(nanos.stream().mapToDouble(Double::doubleValue).sorted().toArray());
  }

  /** Whether the noise was as low as asked for. */
  public boolean isQuiet() {
    return stop == Stop.NOISE;
  }

  /** Why sampling ended, in words. */
  public String stopReason() {
    String noise = percent(noise());
    String wanted = percent(options.noise());
    return switch (stop) {
      case NOISE -> "noise " + noise + " within " + wanted;
      case LIMIT ->
          "noise limit of "
              + wanted
              + " not reached ("
              + noise
              + ") in "
              + options.limit().toMillis()
              + " ms";
      case SAMPLES ->
          "noise limit of "
              + wanted
              + " not reached ("
              + noise
              + ") in "
              + options.maxSamples()
              + " samples";
    };
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "not known" : String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }

  /** One line. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: %.3f us (%.3f to %.3f), %d samples of %d runs, %s%s%s%s%s",
        options.cache(),
        median() / 1e3,
        quantile(0.2) / 1e3,
        quantile(0.8) / 1e3,
        samples(),
        runsPerSample,
        stopReason(),
        dropped == 0 ? "" : ", " + dropped + " dropped while throttled",
        Double.isNaN(hostNanos)
            ? ""
            : String.format(Locale.ROOT, ", %.3f us of the host", hostNanos / 1e3),
        clocks.equals(Clocks.UNKNOWN) ? "" : ", " + clocks,
        note.isEmpty() ? "" : "; " + note);
  }
}
