package dev.gridstride.benchmark;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Rates;
import dev.gridstride.backend.Timing;
import dev.gridstride.conformance.Comparison;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What came out of one op by one implementation. */
public final class Row {
  /** How it ended. */
  public enum Status {
    /** Right, and timed within the noise limit. */
    OK,
    /** Right and timed, but the noise limit was not reached. */
    NOISY,
    /** Right, and not timed since only results were asked for. */
    RIGHT,
    /** Other results than the reference's; not timed. */
    WRONG,
    /** The implementation does not take the op; the reason says why. */
    REFUSED,
    /** An error of the device or of the program. */
    FAILED,
    /** Not tried. */
    NOT_RUN;

    /** In lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /** What a card of the kind that the simulated device imitates does a byte that it moves. */
  private static final double USUAL_RIDGE = 20;

  private final Problem problem;
  private final String device;
  private final Rates rates;
  private String implementation;
  private Status status = Status.NOT_RUN;
  private String reason = "";
  private String how = "";
  private long workspace;
  private Comparison.Difference worst;
  private double share = Double.NaN;
  private Timing cold;
  private Timing warm;
  private double vendorNanos = Double.NaN;
  private double cpuNanos = Double.NaN;

  Row(Problem problem, String implementation, String device, Rates rates) {
    this.problem = problem;
    this.implementation = implementation;
    this.device = device;
    this.rates = rates;
  }

  Row end(Status ended, String why) {
    status = ended;
    reason = why;
    return this;
  }

  /** Notes who computes it, how, and in how much scratch memory. */
  void computedBy(List<Explanation.Row> nodes) {
    Explanation.Row node = nodes.get(0);
    implementation = node.implementation();
    workspace = nodes.stream().mapToLong(Explanation.Row::workspaceBytes).sum();
    how =
        node.candidates().stream()
            .filter(candidate -> candidate.verdict() == Explanation.Verdict.CHOSEN)
            .map(Explanation.Candidate::detail)
            .findFirst()
            .orElse("");
  }

  /** By which launches or calls it is computed. */
  String how() {
    return how;
  }

  /** Notes how the results compare; wrong ones end the row. */
  boolean judged(List<Comparison.Difference> differences, double shareOfResults) {
    share = shareOfResults;
    for (Comparison.Difference difference : differences) {
      if (worst == null || severity(difference) > severity(worst)) {
        worst = difference;
      }
    }
    List<String> wrong =
        differences.stream()
            .filter(difference -> !difference.agrees())
            .map(Comparison.Difference::toString)
            .toList();
    if (!wrong.isEmpty()) {
      end(Status.WRONG, String.join("; ", wrong));
    }
    return wrong.isEmpty();
  }

  private static double severity(Comparison.Difference difference) {
    return difference.error() == 0 ? 0 : difference.error() / difference.bound();
  }

  void timed(Timing withColdCaches, Timing withWarmCaches) {
    cold = withColdCaches;
    warm = withWarmCaches;
    boolean quiet = cold.isQuiet() && warm.isQuiet();
    String why =
        Stream.of(cold, warm)
            .filter(timing -> !timing.isQuiet())
            .map(timing -> timing.options().cache() + ": " + timing.stopReason())
            .collect(Collectors.joining("; "));
    if (Double.isNaN(cold.median()) || Double.isNaN(warm.median())) {
      end(Status.FAILED, "no sample while the device was not throttled; " + why);
    } else {
      end(quiet ? Status.OK : Status.NOISY, why);
    }
  }

  /** The times of others of the same op, or NaN. */
  void besides(double vendor, double cpu) {
    vendorNanos = vendor;
    cpuNanos = cpu;
  }

  /** How it ended. */
  public Status status() {
    return status;
  }

  /** Why it ended so; empty if all is well. */
  public String reason() {
    return reason;
  }

  String implementation() {
    return implementation;
  }

  /** Median with cold caches in nanoseconds; NaN if it was not timed. */
  double nanos() {
    return cold == null ? Double.NaN : cold.median();
  }

  private Precision precision() {
    return problem.request().precision();
  }

  /** Whether the operations or the bytes take longer at the device's best rates. */
  private String bound() {
    if (problem.flops() == 0) {
      return "memory";
    }
    double ridge = rates.peakFlops(precision()) / rates.copyBytesPerSecond();
    double intensity = (double) problem.flops() / problem.bytes();
    return intensity < (Double.isNaN(ridge) ? USUAL_RIDGE : ridge) ? "memory" : "compute";
  }

  /** All columns; what is not known is null. Times are in microseconds. */
  public ObjectNode json() {
    ObjectNode row = JsonNodeFactory.instance.objectNode();
    row.put("op", problem.request().kind().op());
    row.put("shape", problem.request().sizes().toString());
    row.put("type", problem.type().name().toLowerCase(Locale.ROOT));
    row.put("precision", precision().toString());
    row.put("implementation", implementation);
    row.put("device", device);
    row.put("status", status.toString());
    times(row);
    double seconds = nanos() / 1e9;
    number(row, "gb_per_s", problem.bytes() / seconds / 1e9);
    number(
        row, "percent_of_copy_rate", 100 * problem.bytes() / seconds / rates.copyBytesPerSecond());
    boolean counted = problem.flops() > 0;
    number(row, "gflop_per_s", counted ? problem.flops() / seconds / 1e9 : Double.NaN);
    number(
        row,
        "percent_of_peak",
        counted ? 100 * problem.flops() / seconds / rates.peakFlops(precision()) : Double.NaN);
    row.put("bound", bound());
    number(row, "cold", nanos() / 1e3);
    number(row, "warm", warm == null ? Double.NaN : warm.median() / 1e3);
    number(row, "ratio_to_vendor", nanos() / vendorNanos);
    number(row, "ratio_to_cpu", nanos() / cpuNanos);
    number(row, "max_error", worst == null ? Double.NaN : worst.error());
    number(row, "allowed_error", worst == null ? Double.NaN : worst.bound());
    number(row, "share_checked", share);
    row.put("flop", problem.flops());
    row.put("bytes", problem.bytes());
    row.put("workspace", workspace);
    row.put("how", how);
    row.put("clocks", cold == null ? "" : cold.clocks().toString());
    row.put("reason", reason);
    return row;
  }

  private void times(ObjectNode row) {
    if (cold == null) {
      row.put("samples", 0);
      Stream.of("median", "p20", "p80", "noise", "host_launch_time").forEach(row::putNull);
    } else {
      row.put("samples", cold.samples());
      number(row, "median", cold.median() / 1e3);
      number(row, "p20", cold.quantile(0.2) / 1e3);
      number(row, "p80", cold.quantile(0.8) / 1e3);
      number(row, "noise", cold.noise());
      number(row, "host_launch_time", cold.hostNanos() / 1e3);
    }
  }

  private static void number(ObjectNode row, String name, double value) {
    if (Double.isFinite(value)) {
      row.put(name, value);
    } else {
      row.putNull(name);
    }
  }
}
