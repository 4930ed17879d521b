package dev.gridstride.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Two results row by row. Two rows differ if their medians do by more than the threshold and by
 * more than the noise of either; they are the same if the medians differ by less than the threshold
 * and neither missed its noise limit. All else is unclear.
 */
public final class Comparisons {
  /** How a row of the second results compares with that of the first. */
  public enum Verdict {
    /** It takes less time. */
    FASTER,
    /** It takes more time. */
    SLOWER,
    /** It takes about as long. */
    SAME,
    /** Noise hides whether it does. */
    UNCLEAR,
    /** The first was timed; the second is wrong, failed or is not there. */
    LOST,
    /** The second was timed; the first is wrong, failed or is not there. */
    NEW,
    /** Neither was timed. */
    UNTIMED;

    /** In lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A row.
   *
   * @param name op, shape, precision and implementation
   * @param before median in microseconds; NaN if it was not timed
   * @param after the same of the second
   * @param verdict how it compares
   * @param why what lies behind a verdict that is no comparison
   */
  public record Line(String name, double before, double after, Verdict verdict, String why) {
    /** Time of the second as a share of the first's. */
    public double ratio() {
      return after / before;
    }
  }

  private Comparisons() {}

  /**
   * Compares all rows, those of the first in their order, then what only the second has.
   *
   * @param threshold share of the median that does not matter, for example 0.02
   */
  public static List<Line> of(Results first, Results second, double threshold) {
    Map<String, JsonNode> before = byName(first);
    Map<String, JsonNode> after = byName(second);
    List<Line> lines = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>(before.keySet());
    names.addAll(after.keySet());
    for (String name : names) {
      lines.add(line(name, before.get(name), after.get(name), threshold));
    }
    return lines;
  }

  /** What makes a comparison less than it seems, a line each. */
  public static List<String> warnings(Results first, Results second) {
    List<String> lines = new ArrayList<>();
    if (first.isSimulated() || second.isSimulated()) {
      lines.add("note: " + Results.SIMULATED);
    }
    if (!first.isComplete() || !second.isComplete()) {
      lines.add(
          "note: "
              + (first.isComplete() ? "the second" : second.isComplete() ? "the first" : "each")
              + " of the results was interrupted before its end");
    }
    for (String field : List.of("gridstride", "device", "driver", "cpu")) {
      String before = first.head().path(field).asText();
      String after = second.head().path(field).asText();
      if (!before.equals(after)) {
        lines.add("note: another " + field + ": '" + before + "', then '" + after + "'");
      }
    }
    return lines;
  }

  private static Map<String, JsonNode> byName(Results results) {
    Map<String, JsonNode> rows = new LinkedHashMap<>();
    for (JsonNode row : results.rows()) {
      String name =
          row.path("op").asText()
              + " "
              + row.path("shape").asText()
              + ", "
              + row.path("precision").asText()
              + ", "
              + row.path("implementation").asText();
      rows.putIfAbsent(name, row);
    }
    return rows;
  }

  private static Line line(String name, JsonNode before, JsonNode after, double threshold) {
    double first = median(before);
    double second = median(after);
    if (Double.isNaN(first) || Double.isNaN(second)) {
      Verdict verdict =
          !Double.isNaN(first)
              ? Verdict.LOST
              : !Double.isNaN(second) ? Verdict.NEW : Verdict.UNTIMED;
      JsonNode untimed = Double.isNaN(second) ? after : before;
      String why =
          untimed == null
              ? "not there"
              : untimed.path("status").asText() + ": " + untimed.path("reason").asText();
      return new Line(name, first, second, verdict, why);
    }
    double difference = Math.abs(second - first) / first;
    Verdict verdict;
    if (difference <= threshold) {
      verdict = missedLimit(before) || missedLimit(after) ? Verdict.UNCLEAR : Verdict.SAME;
    } else if (difference > Math.max(noise(before), noise(after))) {
      verdict = second < first ? Verdict.FASTER : Verdict.SLOWER;
    } else {
      verdict = Verdict.UNCLEAR;
    }
    String why = verdict == Verdict.UNCLEAR ? inWords(before) + ", then " + inWords(after) : "";
    return new Line(name, first, second, verdict, why);
  }

  private static boolean missedLimit(JsonNode row) {
    return row.path("status").asText().equals(Row.Status.NOISY.toString());
  }

  /** As a share of the median; of a single sample nothing is known. */
  private static double noise(JsonNode row) {
    return row.path("noise").asDouble(Double.POSITIVE_INFINITY);
  }

  private static String inWords(JsonNode row) {
    return String.format(
        Locale.ROOT, "noise %.1f %% in %d samples", 100 * noise(row), row.path("samples").asInt());
  }

  private static double median(JsonNode row) {
    return row == null ? Double.NaN : row.path("median").asDouble(Double.NaN);
  }
}
