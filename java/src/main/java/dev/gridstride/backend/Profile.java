package dev.gridstride.backend;

import dev.gridstride.program.Role;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Where the time of a program goes, as the mean over some runs.
 *
 * @param runNanos one run with clocks, from call to end
 * @param replayNanos one run as it is without clocks, from begin to end on the device
 * @param hostNanos what a run without clocks keeps the host busy, where the host only hands it to
 *     the device; else NaN
 * @param steps the program's steps in the order in which they run
 * @param note what a reader must know about these times, or empty
 */
public record Profile(
    double runNanos, double replayNanos, double hostNanos, List<Step> steps, String note) {
  /** Number of operations or bytes that is not known. */
  public static final long UNKNOWN = -1;

  /** Who computes a step. */
  public enum Kind {
    /** A library or kernel of the device. */
    PRIMITIVE,
    /** This project's own code on the host. */
    HOST
  }

  /** What a step is for. */
  public enum Phase {
    /** Fetching the batch. */
    DATA,
    /** Model and loss. */
    FORWARD,
    /** Gradients. */
    BACKWARD,
    /** Updates of weights and counters. */
    OPTIMIZER,
    /** What is counted for the user. */
    METRICS;

    private static final Set<String> UPDATES = Set.of("adam", "sgd", "learning_rate", "increment");
    private static final Set<String> COUNTS =
        Set.of("accumulate", "hits", "check_finite", "confusion_counts");

    /**
     * The phase of an op.
     *
     * @param op its name
     * @param outputs what it writes
     */
    public static Phase of(String op, List<Value> outputs) {
      if (op.equals("fetch_batch")) {
        return DATA;
      } else if (UPDATES.contains(op)) {
        return OPTIMIZER;
      } else if (COUNTS.contains(op)) {
        return METRICS;
      }
      return outputs.stream().anyMatch(value -> value.role() == Role.GRADIENT) ? BACKWARD : FORWARD;
    }
  }

  /**
   * A kernel's launch, a call of a library, a copy or a fill on a device.
   *
   * @param kernel entry point, the library's function, or {@code copy} or {@code clear}
   * @param geometry grid, block and dynamic shared memory of a launch, algorithm or sizes of a
   *     call, or the size of the others
   * @param nanos mean time in one run
   */
  public record Launch(String kernel, String geometry, double nanos) {}

  /**
   * One step.
   *
   * @param name op and implementation
   * @param op name of the op
   * @param phase what it is for
   * @param kind who computes it
   * @param nanos mean time of the slowest worker in one run
   * @param flops floating-point operations, a multiply and an add counted as two; 0 where memory
   *     traffic is the cost, {@link #UNKNOWN} if not known
   * @param bytes of the values read and written, each once; {@link #UNKNOWN} if not known
   * @param launches what it puts on a device; empty where the host computes
   */
  public record Step(
      String name,
      String op,
      Phase phase,
      Kind kind,
      double nanos,
      long flops,
      long bytes,
      List<Launch> launches) {
    /** Copies the list. */
    public Step {
      launches = List.copyOf(launches);
    }
  }

  /** Copies the list. */
  public Profile {
    steps = List.copyOf(steps);
  }

  /** Time of all steps in one run. */
  public double stepNanos() {
    return steps.stream().mapToDouble(Step::nanos).sum();
  }

  /** Time of all steps of a kind in one run. */
  public double nanos(Kind kind) {
    return steps.stream().filter(step -> step.kind() == kind).mapToDouble(Step::nanos).sum();
  }

  /** Time of all steps of a phase in one run. */
  public double nanos(Phase phase) {
    return steps.stream().filter(step -> step.phase() == phase).mapToDouble(Step::nanos).sum();
  }

  /** Launches, copies and fills in one run. */
  public int launches() {
    return steps.stream().mapToInt(step -> step.launches().size()).sum();
  }

  /**
   * Time that no step accounts for: handing over between threads, waiting, and the calls
   * themselves.
   */
  public double overheadNanos() {
    return runNanos - stepNanos();
  }

  /** A table, one step a line. */
  @Override
  public String toString() {
    StringBuilder table = new StringBuilder();
    for (Step step : steps) {
      line(table, step.nanos(), step.name());
    }
    line(table, nanos(Kind.PRIMITIVE), "all primitives");
    line(table, nanos(Kind.HOST), "all host code");
    line(table, overheadNanos(), "overhead");
    line(table, runNanos, "run");
    return table.toString();
  }

  private void line(StringBuilder table, double nanos, String name) {
    table.append(
        String.format(
            Locale.ROOT, "%10.1f us %5.1f %%  %s%n", nanos / 1e3, 100 * nanos / runNanos, name));
  }
}
