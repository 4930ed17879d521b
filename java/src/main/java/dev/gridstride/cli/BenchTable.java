package dev.gridstride.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gridstride.benchmark.Row;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The rows of {@code bench} as they come, each op's under a line with its sizes. */
final class BenchTable {
  private final PrintStream out;
  private String last = "";

  BenchTable(PrintStream out) {
    this.out = out;
  }

  void print(Row row) {
    JsonNode cells = row.json();
    String op = cells.path("op").asText() + " " + cells.path("shape").asText();
    if (!op.equals(last)) {
      out.println(op);
      last = op;
    }
    String who = text(cells, "implementation") + " " + text(cells, "precision");
    if (cells.path("median").isNull()) {
      String error =
          cells.path("max_error").isNull()
              ? ""
              : String.format(Locale.ROOT, ", error %.1e", cells.path("max_error").asDouble());
      String reason = row.reason().isEmpty() ? "" : ": " + row.reason();
      out.printf(Locale.ROOT, "  %-17s %s%s%s%n", who, row.status(), error, reason);
      return;
    }
    out.printf(
        Locale.ROOT,
        "  %-17s %10.2f us cold, %10.2f us warm%s%s%s, %s bound%s%s, error %.1e%s%n",
        who,
        cells.path("cold").asDouble(),
        cells.path("warm").asDouble(),
        noise(cells),
        rate(cells, "gb_per_s", "GB/s", "percent_of_copy_rate", "of copy"),
        rate(cells, "gflop_per_s", "GFLOP/s", "percent_of_peak", "of peak"),
        text(cells, "bound"),
        ratio(cells, "ratio_to_vendor", "vendor's"),
        ratio(cells, "ratio_to_cpu", "CPU's"),
        cells.path("max_error").asDouble(),
        row.reason().isEmpty() ? "" : "; " + row.status() + ": " + row.reason());
  }

  /** Nothing for a single sample. */
  private static String noise(JsonNode cells) {
    return cells.path("noise").isNull()
        ? ""
        : String.format(Locale.ROOT, ", noise %4.1f %%", 100 * cells.path("noise").asDouble());
  }

  private static String text(JsonNode cells, String field) {
    return cells.path(field).asText();
  }

  private static String rate(
      JsonNode cells, String field, String unit, String share, String shareOf) {
    if (cells.path(field).isNull()) {
      return "";
    }
    String percent =
        cells.path(share).isNull()
            ? ""
            : String.format(Locale.ROOT, " (%.0f %% %s)", cells.path(share).asDouble(), shareOf);
    return String.format(Locale.ROOT, ", %.1f %s%s", cells.path(field).asDouble(), unit, percent);
  }

  private static String ratio(JsonNode cells, String field, String whose) {
    double ratio = cells.path(field).asDouble(Double.NaN);
    return Double.isNaN(ratio) || ratio == 1
        ? ""
        : String.format(Locale.ROOT, ", %.3g of the %s time", ratio, whose);
  }

  /** How many rows ended in which way. */
  void summary(List<Row> rows) {
    Map<Row.Status, Long> counts =
        rows.stream()
            .collect(Collectors.groupingBy(Row::status, LinkedHashMap::new, Collectors.counting()));
    out.println(
        rows.size()
            + (rows.size() == 1 ? " row: " : " rows: ")
            + counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", ")));
  }

  /** Whether a result was wrong or could not be had. */
  static boolean failed(List<Row> rows) {
    return rows.stream()
        .anyMatch(row -> row.status() == Row.Status.WRONG || row.status() == Row.Status.FAILED);
  }
}
