package dev.gridstride.conformance;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.SelfCheck;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The whole suite on one device, judged by the reference: the cases, what every session promises
 * ({@link Contract}), and the backend's own checks. Each runs in a session of its own, so that one
 * that fails does not harm the next; a device that is lost and does not come back ends the suite,
 * with the rest counted as not run.
 */
public final class Suite {
  /** How a check ended. */
  public enum Verdict {
    /** As expected. */
    PASSED,
    /** Other results than the reference's, or an error of the device. */
    FAILED,
    /** Not for this device. */
    SKIPPED,
    /** Not tried: the device was lost, or the suite was told to stop. */
    NOT_RUN
  }

  /**
   * What came out of one check.
   *
   * @param name unique
   * @param kind {@code forward}, {@code backward} (with forward), {@code training}, {@code data},
   *     {@code contract} or {@code direct}
   * @param reason what it catches
   * @param seed of its data
   * @param verdict how it ended
   * @param seconds on the device and the reference together
   * @param differences how each result compares with the reference's; empty if there is none
   * @param problem what is wrong or why it did not run; empty if it passed
   */
  public record Outcome(
      String name,
      String kind,
      String reason,
      long seed,
      Verdict verdict,
      double seconds,
      List<Comparison.Difference> differences,
      String problem) {
    /** Copies the list. */
    public Outcome {
      differences = List.copyOf(differences);
    }

    /** The result that used up most of its bound, or most exceeds it; null if there is none. */
    public Comparison.Difference worst() {
      Comparison.Difference worst = null;
      for (Comparison.Difference difference : differences) {
        if (worst == null || severity(difference) > severity(worst)) {
          worst = difference;
        }
      }
      return worst;
    }

    private static double severity(Comparison.Difference difference) {
      return difference.error() == 0 ? 0 : difference.error() / difference.bound();
    }
  }

  /** One check before it runs. */
  private record Item(String name, String kind, String reason, long seed, Supplier<Found> body) {}

  /** What a check found. */
  private record Found(Verdict verdict, List<Comparison.Difference> differences, String problem) {
    static Found of(List<String> problems) {
      return problems.isEmpty()
          ? new Found(Verdict.PASSED, List.of(), "")
          : new Found(Verdict.FAILED, List.of(), String.join("\n", problems));
    }
  }

  private final Backend backend;
  private final DeviceOptions options;
  private final List<Item> items;

  /**
   * The suite for a device.
   *
   * @param backend an available backend
   * @param options index, threads and precision
   * @param filter only checks whose name contains this text
   */
  public Suite(Backend backend, DeviceOptions options, String filter) {
    this.backend = backend;
    this.options = options;
    Stream<Item> cases = Cases.all().stream().map(this::item);
    Stream<Item> contract = Contract.all().stream().map(check -> item(check));
    Stream<Item> direct = backend.checks(options).stream().map(check -> item(check));
    items =
        Stream.of(cases, contract, direct)
            .flatMap(all -> all)
            .filter(item -> item.name().contains(filter))
            .toList();
  }

  private Item item(Case float32) {
    Case test = float32.in(options.precision());
    return new Item(test.name(), kind(test), test.reason(), test.seed(), () -> compare(test));
  }

  private Item item(Contract check) {
    return new Item(
        check.title(), "contract", check.reason(), 0, () -> Found.of(check.run(this::open)));
  }

  private static Item item(SelfCheck check) {
    return new Item(check.name(), "direct", check.reason(), 0, () -> Found.of(check.body().run()));
  }

  private static String kind(Case test) {
    if (test.name().startsWith("training")) {
      return "training";
    }
    if (test.name().startsWith("fetch_batch")) {
      return "data";
    }
    return test.gradient() == null ? "forward" : "backward";
  }

  /** How many checks there are. */
  public int size() {
    return items.size();
  }

  private Session open() {
    return backend.open(options);
  }

  private Found compare(Case test) {
    String skip = test.skipReason(backend.name());
    if (skip != null) {
      return new Found(Verdict.SKIPPED, List.of(), skip);
    }
    Map<String, Tensor> expected;
    try (Session session = Device.reference().open()) {
      expected = Runner.run(test, session);
    }
    Map<String, Tensor> got;
    try (Session session = open()) {
      got = Runner.run(test, session);
    }
    String other = Comparison.otherResults(expected, got);
    if (other != null) {
      return new Found(Verdict.FAILED, List.of(), other);
    }
    List<Comparison.Difference> differences = Comparison.measure(test, expected, got);
    List<String> wrong =
        differences.stream().filter(d -> !d.agrees()).map(d -> d.toString()).toList();
    return new Found(
        wrong.isEmpty() ? Verdict.PASSED : Verdict.FAILED, differences, String.join("\n", wrong));
  }

  /**
   * Runs all checks, one after the other.
   *
   * @param told each outcome as it comes
   * @param stop asked before each check; once it says so, the rest is not run
   */
  public List<Outcome> run(Consumer<Outcome> told, Supplier<Boolean> stop) {
    List<Outcome> outcomes = new ArrayList<>();
    String lost = null;
    for (Item item : items) {
      Outcome outcome;
      if (lost == null && stop.get()) {
        lost = "the suite was stopped";
      }
      if (lost != null) {
        outcome = outcome(item, Verdict.NOT_RUN, 0, List.of(), lost);
      } else {
        outcome = run(item);
        if (outcome.verdict() == Verdict.FAILED && outcome.differences().isEmpty()) {
          lost = lostBecause();
        }
      }
      outcomes.add(outcome);
      told.accept(outcome);
    }
    return outcomes;
  }

  private static Outcome run(Item item) {
    long start = System.nanoTime();
    Found found;
    try {
      found = item.body().get();
    } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
      found = new Found(Verdict.FAILED, List.of(), describe(e));
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return outcome(item, found.verdict(), seconds, found.differences(), found.problem());
  }

  private static Outcome outcome(
      Item item,
      Verdict verdict,
      double seconds,
      List<Comparison.Difference> differences,
      String problem) {
    return new Outcome(
        item.name(),
        item.kind(),
        item.reason(),
        item.seed(),
        verdict,
        seconds,
        differences,
        problem);
  }

  private static String describe(Throwable thrown) {
    return thrown instanceof BackendException && thrown.getMessage() != null
        ? thrown.getMessage()
        : thrown.toString();
  }

  /**
   * After an error: whether the device still works. A kernel that fails takes its context with it,
   * and on a card often the whole process, until it ends.
   *
   * @return null if it does, or why not
   */
  private String lostBecause() {
    try {
      Contract.probe(this::open);
      return null;
    } catch (RuntimeException | LinkageError e) {
      return "the device is lost to this process after the failure before: " + describe(e);
    }
  }
}
