package dev.gridstride.backend;

import java.util.List;
import java.util.Locale;

/**
 * Where the time of a program goes, as the mean over some runs.
 *
 * @param runNanos one run from call to return
 * @param steps the program's steps in the order in which they run
 */
public record Profile(double runNanos, List<Step> steps) {
  /** Who computes a step. */
  public enum Kind {
    /** A library or kernel of the device. */
    PRIMITIVE,
    /** This project's own code on the host. */
    HOST
  }

  /**
   * One step.
   *
   * @param name op and implementation
   * @param kind who computes it
   * @param nanos mean time of the slowest worker in one run
   */
  public record Step(String name, Kind kind, double nanos) {}

  /** Copies the list. */
  public Profile {
    steps = List.copyOf(steps);
  }

  /** Time of all steps of a kind in one run. */
  public double nanos(Kind kind) {
    return steps.stream().filter(step -> step.kind() == kind).mapToDouble(Step::nanos).sum();
  }

  /**
   * Time that no step accounts for: handing over between threads, waiting, and the calls
   * themselves.
   */
  public double overheadNanos() {
    return runNanos - nanos(Kind.PRIMITIVE) - nanos(Kind.HOST);
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
