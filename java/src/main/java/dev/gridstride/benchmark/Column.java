package dev.gridstride.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A column of the results.
 *
 * @param field its name in JSON and CSV
 * @param title its name in tables
 * @param unit of its numbers; empty for text, counts and ratios
 * @param shown whether tables have it; JSON and CSV have all
 * @param digits significant digits in tables; 0 for text and counts
 */
record Column(String field, String title, String unit, boolean shown, int digits) {
  /** In the order in which they stand. */
  static final List<Column> ALL =
      List.of(
          text("op", "op"),
          text("shape", "shape"),
          hidden("type", ""),
          text("precision", "precision"),
          text("implementation", "implementation"),
          hidden("device", ""),
          hidden("simulated", ""),
          text("status", "status"),
          new Column("samples", "samples", "", true, 0),
          number("median", "median", "us"),
          number("p20", "p20", "us"),
          number("p80", "p80", "us"),
          new Column("noise", "noise", "share", true, 2),
          number("host_launch_time", "host", "us"),
          number("gb_per_s", "GB/s", "GB/s"),
          number("percent_of_copy_rate", "% of copy", "%"),
          number("gflop_per_s", "GFLOP/s", "GFLOP/s"),
          number("percent_of_peak", "% of peak", "%"),
          text("bound", "bound"),
          number("cold", "cold", "us"),
          number("warm", "warm", "us"),
          number("ratio_to_vendor", "time / vendor's", ""),
          number("ratio_to_cpu", "time / CPU's", ""),
          new Column("max_error", "max. error", "", true, 2),
          hidden("allowed_error", ""),
          hidden("share_checked", "share"),
          hidden("flop", "FLOP"),
          hidden("bytes", "bytes"),
          hidden("workspace", "bytes"),
          hidden("how", ""),
          hidden("clocks", ""),
          text("reason", "reason"));

  private static Column text(String field, String title) {
    return new Column(field, title, "", true, 0);
  }

  private static Column number(String field, String title, String unit) {
    return new Column(field, title, unit, true, 3);
  }

  private static Column hidden(String field, String unit) {
    return new Column(field, field, unit, false, 0);
  }

  /** Those that tables have. */
  static List<Column> ofTables() {
    return ALL.stream().filter(Column::shown).toList();
  }

  /** The title with its unit where it does not say it. */
  String heading() {
    return unit.equals("us") ? title + ", us" : title;
  }

  boolean isNumber() {
    return digits > 0 || Stream.of("samples").anyMatch(field::equals);
  }

  /** The cell of a row in a table; empty if nothing is known. */
  String cell(JsonNode row) {
    JsonNode value = row.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return "";
    }
    if (field.equals("noise")) {
      return String.format(Locale.ROOT, "%.1f %%", 100 * value.asDouble());
    }
    return digits == 0 ? value.asText() : significant(value.asDouble(), digits);
  }

  /** For example {@code 0.0123}, {@code 1.23}, {@code 123} or {@code 12,345}. */
  static String significant(double value, int digits) {
    if (value == 0) {
      return "0";
    }
    double size = Math.abs(value);
    if (size < 1e-4) {
      return String.format(Locale.ROOT, "%." + (digits - 1) + "e", value);
    }
    int whole = (int) Math.floor(Math.log10(size)) + 1;
    return String.format(Locale.ROOT, "%,." + Math.max(0, digits - whole) + "f", value);
  }
}
