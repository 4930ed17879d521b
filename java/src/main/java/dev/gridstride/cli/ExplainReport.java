package dev.gridstride.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.Explanation.Candidate;
import dev.gridstride.backend.Explanation.Row;
import dev.gridstride.backend.Explanation.Verdict;
import dev.gridstride.backend.Rates;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** An explanation in words and as JSON. */
final class ExplainReport {
  private final Explanation explanation;
  private final Rates rates;

  ExplainReport(Explanation explanation, Rates rates) {
    this.explanation = explanation;
    this.rates = rates;
  }

  void print(PrintStream out) {
    out.println();
    out.println("  #  by           MFLOP        MB  FLOP/byte  bound    workspace  op");
    List<Row> rows = explanation.rows();
    for (int i = 0; i < rows.size(); i++) {
      out.println(line(i + 1, rows.get(i)));
    }
    out.println();
    for (int i = 0; i < rows.size(); i++) {
      details(out, i + 1, rows.get(i));
    }
    out.println();
    out.println(
        String.format(
            Locale.ROOT,
            "all: %,.1f MFLOP, %,.1f MB read and written, %.1f FLOP/byte; workspace %,d bytes",
            explanation.flops() / 1e6,
            explanation.bytes() / 1e6,
            (double) explanation.flops() / explanation.bytes(),
            explanation.workspaceBytes()));
    out.println("rates: " + rates);
    out.println(
        "Bytes are those of the values, each once; bound is what takes longer at these rates.");
  }

  private String line(int number, Row row) {
    return String.format(
        Locale.ROOT,
        "%3d  %-9s %8.2f %9.3f %10.1f  %-7s %,10d  %s",
        number,
        row.implementation().isEmpty() ? "-" : row.implementation(),
        row.flops() / 1e6,
        row.bytes() / 1e6,
        row.intensity(),
        row.bound(rates),
        row.workspaceBytes(),
        row.node());
  }

  private void details(PrintStream out, int number, Row row) {
    out.println(
        String.format(
            Locale.ROOT,
            "%3d  %s: %s to %s%s",
            number,
            row.op(),
            String.join(", ", row.inputs()),
            String.join(", ", row.outputs()),
            row.notes().isEmpty() ? "" : "; " + String.join("; ", row.notes())));
    row.candidates().stream()
        .filter(candidate -> candidate.verdict() != Verdict.ABSENT)
        .forEach(candidate -> out.println("       " + words(candidate)));
  }

  private static String words(Candidate candidate) {
    String times =
        Double.isNaN(candidate.coldNanos())
            ? ""
            : String.format(
                Locale.ROOT,
                ", %.1f us cold, %.1f us warm",
                candidate.coldNanos() / 1e3,
                candidate.warmNanos() / 1e3);
    return candidate.name()
        + switch (candidate.verdict()) {
          case CHOSEN -> times + ": ";
          case POSSIBLE -> " would take it" + times + ": ";
          case REFUSED, ABSENT -> " does not take it" + times + ": ";
        }
        + candidate.detail();
  }

  Report addTo(Report report) {
    report
        .put("flops", explanation.flops())
        .put("bytes", explanation.bytes())
        .put("workspace_bytes", explanation.workspaceBytes());
    report.root().set("rates", dev.gridstride.benchmark.Results.rates(rates));
    ArrayNode rows = report.root().putArray("rows");
    explanation.rows().forEach(row -> put(rows.addObject(), row));
    return report;
  }

  private void put(ObjectNode node, Row row) {
    node.put("node", row.node());
    node.put("op", row.op());
    row.inputs().forEach(node.putArray("inputs")::add);
    row.outputs().forEach(node.putArray("outputs")::add);
    node.put("precision", row.precision().toString());
    node.put("implementation", row.implementation());
    node.put("flops", row.flops());
    node.put("bytes", row.bytes());
    node.put("flops_per_byte", row.intensity());
    node.put("bound", row.bound(rates).toString());
    Report.number(node, "least_us", row.leastNanos(rates) / 1e3);
    node.put("workspace_bytes", row.workspaceBytes());
    row.notes().forEach(node.putArray("notes")::add);
    ArrayNode candidates = node.putArray("candidates");
    for (Candidate candidate : row.candidates()) {
      ObjectNode one = candidates.addObject();
      one.put("implementation", candidate.name());
      one.put("verdict", candidate.verdict().toString());
      one.put("detail", candidate.detail());
      one.put("workspace_bytes", candidate.workspaceBytes());
      Report.number(one, "cold_us", candidate.coldNanos() / 1e3);
      Report.number(one, "warm_us", candidate.warmNanos() / 1e3);
    }
  }
}
