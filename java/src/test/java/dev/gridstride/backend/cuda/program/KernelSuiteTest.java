package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.fail;

import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.conformance.Case;
import dev.gridstride.conformance.Cases;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.conformance.Device;
import dev.gridstride.conformance.Runner;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.op.FetchBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every conformance case by this project's CUDA kernels on the simulated device, in several ways
 * that must give the same bits: blocks and threads in order and in random orders, values in one
 * arena and each in a buffer of its own between guard zones, plain kernels and kernels with the
 * checker's instrumentation. And, but for the largest, once as programs on memory of a caller,
 * images row by row. {@code -Dgridstride.case=TEXT} runs only the cases whose name contains the
 * text.
 *
 * <p>The plain ways take about as long as the reference, a checked one twice that, so all cases run
 * in all ways. {@code ConformanceTest} runs them once more as users do: in order, in one arena.
 */
class KernelSuiteTest {
  private static final String FILTER = "gridstride.case";

  /** Operations above which a case does not run on a caller's memory too. */
  private static final long LARGE = 2_000_000;

  /**
   * A way to run a case.
   *
   * @param seed of the order of blocks and threads; 0 is program order
   */
  private record Way(String name, long seed, SessionOptions options) {
    Map<String, Tensor> run(Case test) {
      Simulator.get().seed(seed);
      // Before any memory is there, so that the checker knows what is unset in it.
      Simulator.get().set("checked", options.checked() ? "1" : "0");
      try (Session session = SimulatedBackend.open(DeviceOptions.DEFAULT, options)) {
        return Runner.run(test, session);
      }
    }
  }

  private static final SessionOptions GUARDED = new SessionOptions(true, true, false);
  private static final SessionOptions CHECKED = new SessionOptions(true, false, true);

  private static final List<Way> WAYS =
      List.of(
          new Way("in order, guard zones", 0, GUARDED),
          new Way("random order, one arena", 1, SessionOptions.DEFAULT),
          new Way("random order, guard zones", 2, GUARDED),
          new Way("random order, checker", 3, CHECKED),
          new Way("another random order, checker", 4, CHECKED));

  /** For cases that fetch: with no room for their data on the device. */
  private static final List<Way> STREAMED =
      List.of(
          new Way("streamed, in order, guard zones", 0, GUARDED.withDataBytes(0)),
          new Way("streamed, random order", 5, SessionOptions.DEFAULT.withDataBytes(0)),
          new Way("streamed, random order, checker", 6, CHECKED.withDataBytes(0)));

  @AfterEach
  void programOrder() {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().seed(0);
    }
  }

  @TestFactory
  Stream<DynamicTest> everyCaseEveryWay() {
    String wanted = System.getProperty(FILTER, "");
    return Cases.all().stream()
        .filter(test -> test.name().contains(wanted))
        .map(test -> DynamicTest.dynamicTest(test.name(), () -> check(test)));
  }

  private static void check(Case test) {
    Simulated.require();
    List<String> problems = new ArrayList<>();
    Map<String, Tensor> expected = reference(test);
    Map<String, Tensor> first = null;
    for (Way way : ways(test)) {
      try {
        Map<String, Tensor> results = way.run(test);
        if (first == null) {
          first = results;
          problems.addAll(Comparison.differences(test, expected, results));
        } else if (!results.equals(first)) {
          problems.add(way.name() + ": other bits in " + differing(first, results));
        }
      } catch (RuntimeException e) {
        problems.add(way.name() + ": " + e.getMessage());
      }
    }
    if (flops(test) <= LARGE) {
      Simulator.get().seed(7);
      Comparison.differences(test, expected, CallersRun.of(test))
          .forEach(line -> problems.add("on the caller's memory: " + line));
    }
    if (!problems.isEmpty()) {
      fail(describe(test) + ":\n  " + String.join("\n  ", problems) + rerun(test));
    }
  }

  private static List<Way> ways(Case test) {
    boolean fetches =
        test.runs().stream()
            .flatMap(run -> run.program().nodes().stream())
            .anyMatch(node -> node.op() instanceof FetchBatch);
    return fetches ? Stream.concat(WAYS.stream(), STREAMED.stream()).toList() : WAYS;
  }

  private static long flops(Case test) {
    return test.runs().stream().mapToLong(run -> run.program().flops() * run.times()).sum();
  }

  private static List<String> differing(Map<String, Tensor> first, Map<String, Tensor> other) {
    return first.keySet().stream().filter(key -> !first.get(key).equals(other.get(key))).toList();
  }

  private static String describe(Case test) {
    return test.name() + " (seed " + test.seed() + "; " + test.reason() + ")";
  }

  private static String rerun(Case test) {
    return "\nrerun: mvn -q -B -pl java test -Dtest=KernelSuiteTest -D"
        + FILTER
        + "='"
        + test.name()
        + "'";
  }

  private static Map<String, Tensor> reference(Case test) {
    try (Session session = Device.reference().open()) {
      return Runner.run(test, session);
    }
  }
}
