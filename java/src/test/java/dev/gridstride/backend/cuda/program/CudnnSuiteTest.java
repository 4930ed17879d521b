package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.Explanation.Verdict;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.conformance.Case;
import dev.gridstride.conformance.Cases;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.conformance.Device;
import dev.gridstride.conformance.Runner;
import dev.gridstride.program.Node;
import dev.gridstride.program.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Every conformance case with an op that cuDNN has, but for the largest, computed by the simulated
 * libcudnn. Each node that cuDNN should take must have been computed by it, not by an own kernel in
 * its place. {@code -Dgridstride.case=TEXT} runs only the cases whose name contains the text.
 */
@ExtendWith(OnSimulatedDevice.class)
class CudnnSuiteTest {
  private static final String FILTER = "gridstride.case";
  private static final SessionOptions GUARDED = new SessionOptions(true, true, false);

  /** Operations above which a case takes too long for what it shows here. */
  private static final long LARGE = 1_000_000;

  /** What cuDNN cannot do, by its reason. */
  private static final List<Pattern> REASONS =
      Stream.of(
              "cuDNN pads both sides alike, .*",
              "cuDNN does not say where the maxima are, which is read here",
              "cuDNN draws numbers of its own, .*",
              "cuDNN has the gradient of the batch's own statistics alone",
              "cuDNN divides by the number of elements less one, which is 0 here")
          .map(Pattern::compile)
          .toList();

  /** Ops of which it has computed a node. */
  private static final Set<String> COMPUTED = new TreeSet<>();

  @AfterAll
  static void everyOpWasComputed() {
    if (Simulator.unavailableReason() == null && System.getProperty(FILTER) == null) {
      assertEquals(
          Set.of(
              "avg_pool2d",
              "avg_pool2d_backward",
              "batch_norm",
              "batch_norm_backward",
              "batch_norm_inference",
              "bias_backward",
              "conv2d",
              "conv2d_backward_data",
              "conv2d_backward_weights",
              "global_avg_pool2d",
              "global_avg_pool2d_backward",
              "max_pool2d",
              "max_pool2d_backward",
              "relu",
              "relu_backward",
              "softmax",
              "softmax_backward"),
          COMPUTED);
    }
  }

  private static Session open(Precision precision, SessionOptions options) {
    return SimulatedBackend.open(
        DeviceOptions.DEFAULT
            .withPrecision(precision)
            .withImplementations(ImplementationChoice.parse("cudnn")),
        options);
  }

  @TestFactory
  Stream<DynamicTest> everyCaseIsTheReferences() {
    String wanted = System.getProperty(FILTER, "");
    return Cases.all().stream()
        .filter(test -> test.name().contains(wanted))
        .filter(test -> flops(test) <= LARGE)
        .filter(test -> nodes(test).anyMatch(CudnnSuiteTest::isOfCudnn))
        .flatMap(
            test ->
                precisions(test)
                    .map(
                        precision ->
                            DynamicTest.dynamicTest(
                                test.in(precision).name(), () -> check(test, precision))));
  }

  private static Stream<Node> nodes(Case test) {
    return test.runs().stream().flatMap(run -> run.program().nodes().stream());
  }

  private static long flops(Case test) {
    return test.runs().stream().mapToLong(run -> run.program().flops() * run.times()).sum();
  }

  private static boolean isOfCudnn(Node node) {
    return Lowerings.of(node).stream().anyMatch(one -> one.name().equals("cudnn"));
  }

  /** Integers show what is wrong in bf16, and real numbers what is rounded in TF32. */
  private static Stream<Precision> precisions(Case test) {
    if (!test.multiplies()) {
      return Stream.of(Precision.FLOAT32);
    }
    boolean integers = test.name().endsWith("integers");
    return test.name().startsWith("training")
        ? Stream.of(Precision.values())
        : Stream.of(Precision.FLOAT32, integers ? Precision.BF16 : Precision.TF32);
  }

  private static void check(Case plain, Precision precision) {
    Case test = plain.in(precision);
    Map<String, Tensor> expected;
    try (Session session = Device.reference().open()) {
      expected = Runner.run(test, session);
    }
    Map<String, Tensor> got;
    Simulator.get().seed(1);
    try (Session session = open(precision, SessionOptions.DEFAULT)) {
      got = Runner.run(test, session);
      if (precision == Precision.FLOAT32) {
        assertEquals(List.of(), unexplained(test, session), "not by cudnn");
      }
    }
    assertEquals(List.of(), Comparison.differences(test, expected, got), test.reason());
    if (!test.multiplies() || precision == Precision.BF16) {
      Simulator.get().seed(2);
      try (Session session = open(precision, GUARDED)) {
        assertEquals(got, Runner.run(test, session), "in guard zones, in another order");
      }
    }
  }

  /** Nodes that are not computed by cuDNN and should be, with what it says. */
  private static List<String> unexplained(Case test, Session session) {
    List<String> found = new ArrayList<>();
    for (Case.Run run : test.runs()) {
      try (Executable executable = session.compile(run.program())) {
        for (Explanation.Row row : executable.explanation().rows()) {
          for (Explanation.Candidate one : row.candidates()) {
            if (!one.name().equals("cudnn") || one.verdict() == Verdict.ABSENT) {
              continue;
            }
            if (one.verdict() == Verdict.CHOSEN) {
              COMPUTED.add(row.op());
            } else if (REASONS.stream().noneMatch(why -> why.matcher(one.detail()).matches())) {
              found.add(row.node() + ": " + one);
            }
          }
        }
      }
    }
    return found;
  }
}
