package dev.gridstride.backend;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a device can do at best, to compare measured speeds with.
 *
 * @param copyBytesPerSecond bytes read and written in a second by a copy much larger than the
 *     caches, measured when it was asked for; NaN if not known
 * @param copySource how it was measured
 * @param peakFlops floating-point operations a second, a multiply and an add counted as two, in
 *     each precision of which it is known
 * @param peakSource where they are from
 */
public record Rates(
    double copyBytesPerSecond,
    String copySource,
    Map<Precision, Double> peakFlops,
    String peakSource) {
  /** Nothing is known. */
  public static final Rates UNKNOWN =
      new Rates(Double.NaN, "not measured on this device", Map.of(), "not known of this device");

  /** Copies the map. */
  public Rates {
    peakFlops = Map.copyOf(peakFlops);
  }

  /** Operations a second in a precision; NaN if not known. */
  public double peakFlops(Precision precision) {
    return peakFlops.getOrDefault(precision, Double.NaN);
  }

  /** One line. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("copy ");
    text.append(
        Double.isNaN(copyBytesPerSecond)
            ? "rate"
            : String.format(Locale.ROOT, "%.1f GB/s", copyBytesPerSecond / 1e9));
    text.append(" (").append(copySource).append("); peak");
    new TreeMap<>(peakFlops)
        .forEach(
            (precision, flops) ->
                text.append(
                    String.format(Locale.ROOT, " %s %.1f GFLOP/s", precision, flops / 1e9)));
    return text.append(" (").append(peakSource).append(')').toString();
  }
}
