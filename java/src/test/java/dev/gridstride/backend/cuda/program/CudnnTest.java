package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnTensor.Format;
import dev.gridstride.conformance.Case;
import dev.gridstride.conformance.Cases;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.conformance.Device;
import dev.gridstride.conformance.Runner;
import dev.gridstride.program.Node;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Filter;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What cuDNN's calls do beyond right results: algorithms, orders in memory, failures, leaks. */
@ExtendWith(OnSimulatedDevice.class)
class CudnnTest {
  private static final SessionOptions GUARDED = new SessionOptions(true, true, false);

  private static final List<String> COUNTED =
      List.of(
          "allocations",
          "streams",
          "events",
          "graphs",
          "contexts",
          "cudnn_handles",
          "cudnn_descriptors");

  private static Session open(String choice, SessionOptions options) {
    return SimulatedBackend.open(
        DeviceOptions.DEFAULT.withImplementations(ImplementationChoice.parse(choice)), options);
  }

  private static Case named(String text) {
    return Cases.all().stream()
        .filter(test -> test.name().startsWith(text))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no case " + text));
  }

  private static Map<String, Tensor> reference(Case test) {
    try (Session session = Device.reference().open()) {
      return Runner.run(test, session);
    }
  }

  private static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  /** Convolutions by row-major copies alone, as where the library has nothing for channels last. */
  private static List<Implementation> permuted(Node node) {
    List<Format> rowMajor = List.of(Format.NCHW);
    if (node.op() instanceof Conv2d op) {
      return List.of(
          new Implementation("cudnn", (any, e) -> CudnnConv2d.forward(op, e, rowMajor), false));
    } else if (node.op() instanceof Conv2dBackwardData op) {
      return List.of(
          new Implementation(
              "cudnn", (any, e) -> CudnnConv2d.backwardData(op, e, rowMajor), false));
    } else if (node.op() instanceof Conv2dBackwardWeights op) {
      return List.of(
          new Implementation(
              "cudnn", (any, e) -> CudnnConv2d.backwardWeights(op, e, rowMajor), false));
    }
    return Lowerings.of(node);
  }

  @Test
  void convolutionsGoThroughPermutedCopiesWhereTheyMust() {
    SessionOptions guarded = new SessionOptions(true, true, false);
    SessionOptions options =
        guarded.withDispatch(
            new SessionOptions.Dispatch(guarded.dispatch().folder(), CudnnTest::permuted, null));
    for (String name :
        List.of(
            "conv2d [2,3,7,5] to 5",
            "conv2d [2,3,8,8] to 5, kernel 3x3, padding 1, bias, relu",
            "conv2d [2,9,5,5] to 6, kernel 3x3, groups 3")) {
      Case test = named(name);
      try (Session session = open("cudnn", options)) {
        Map<String, Tensor> got = Runner.run(test, session);
        assertEquals(List.of(), Comparison.differences(test, reference(test), got), name);
        try (Executable executable = session.compile(test.runs().get(0).program())) {
          String text = executable.explain();
          assertTrue(text.contains("through permuted copies"), text);
        }
      }
    }
  }

  @Test
  void algorithmsAreDeterministicUnlessOthersAreAllowed() {
    Case test = named("conv2d [2,16,6,6] to 16");
    try (Session session = open("cudnn", SessionOptions.DEFAULT);
        Executable executable = session.compile(test.runs().get(0).program())) {
      String text = executable.explain();
      assertTrue(text.contains("cudnnConvolutionBackwardData, ALGO_1"), text);
      assertTrue(text.contains("cudnnConvolutionBackwardFilter, ALGO_1"), text);
      assertTrue(
          text.contains("cudnnConvolutionBiasActivationForward, IMPLICIT_PRECOMP_GEMM"), text);
    }
    try (Session session = open("cudnn,nondeterministic", SessionOptions.DEFAULT);
        Executable executable = session.compile(test.runs().get(0).program())) {
      String text = executable.explain();
      assertTrue(text.contains("cudnnConvolutionBackwardData, ALGO_0"), text);
      assertTrue(text.contains("cudnnConvolutionBackwardFilter, ALGO_0"), text);
      Map<String, Tensor> got = Runner.run(test, session);
      assertEquals(List.of(), Comparison.differences(test, reference(test), got));
    }
  }

  @Test
  void whatIsDemandedAndRefusedIsAnError() {
    Case test = named("conv2d [2,3,6,6] to 4, kernel 3x3, padding (2,0,1,3)");
    try (Session session = open("conv2d=cudnn", SessionOptions.DEFAULT)) {
      BackendException refused =
          assertThrows(BackendException.class, () -> session.compile(test.runs().get(0).program()));
      String text = refused.getMessage();
      assertTrue(text.contains("cudnn does not take it"), text);
      assertTrue(text.contains("cuDNN pads both sides alike"), text);
      assertTrue(text.contains("(2,0,1,3)"), text);
    }
  }

  /** Of a run of a dropout of half of x, whose gradient is the mask times twice y + r. */
  private static List<Boolean> mask(Case test, Map<String, Tensor> results) {
    Map<String, Tensor> given = new HashMap<>();
    test.data().forEach((value, tensor) -> given.put(value.name(), tensor));
    Tensor y = results.get("program 0, run 0: y");
    Tensor dx = results.get("program 0, run 0: d_x");
    List<Boolean> kept = new ArrayList<>();
    for (int i = 0; i < y.shape().elements(); i++) {
      double x = given.get("x").get(i);
      double r = given.get("r").get(i);
      kept.add(y.get(i) != 0);
      assertEquals(y.get(i) == 0 ? 0 : 2 * x, y.get(i), 1e-6);
      assertEquals(y.get(i) == 0 ? 0 : 2 * (2 * x + r), dx.get(i), 1e-5);
    }
    return kept;
  }

  @Test
  void dropoutIsDemandedOrLeftAlone() {
    Case test = named("dropout [5,3,7,7], rate 0.5");
    List<Boolean> first;
    try (Session session = open("dropout=cudnn", GUARDED)) {
      first = mask(test, Runner.run(test, session));
      long kept = first.stream().filter(one -> one).count();
      assertEquals(first.size() / 2.0, (double) kept, 5 * Math.sqrt(first.size() / 4.0));
      try (Executable executable = session.compile(test.runs().get(0).program())) {
        String text = executable.explain();
        assertTrue(text.contains("cudnnDropoutForward"), text);
        assertTrue(text.contains("cudnnDropoutBackward"), text);
        assertTrue(text.contains("no checkpoint"), text);
        executable.run();
        Tensor y = executable.read(test.runs().get(0).program().outputs().get(0));
        executable.run();
        assertNotEquals(
            y, executable.read(test.runs().get(0).program().outputs().get(0)), "one mask a run");
      }
    }
    try (Session session = open("dropout=cudnn", SessionOptions.DEFAULT)) {
      assertEquals(first, mask(test, Runner.run(test, session)), "in another session");
    }
    try (Session session = open("cudnn", SessionOptions.DEFAULT)) {
      Map<String, Tensor> got = Runner.run(test, session);
      assertEquals(List.of(), Comparison.differences(test, reference(test), got), "by itself");
    }
  }

  /** A gradient that was given what cuDNN needs is computed all the same where cuDNN fails. */
  @Test
  void ownPoolingFindsTheMaximaAgain() {
    Case test = named("max_pool2d [2,3,7,7], window 3x3, stride 2x2, padding 1 of integers");
    run(test, GUARDED);
    Simulator.get().fault("cudnnPoolingBackward", 1, 3000);
    try (Session session = open("cudnn", GUARDED)) {
      Map<String, Tensor> got = Runner.run(test, session);
      assertEquals(List.of(), Comparison.differences(test, reference(test), got));
      Simulator.get().fault("cudnnPoolingBackward", 1, 3000);
      try (Executable executable = session.compile(test.runs().get(0).program())) {
        String text = executable.explain();
        assertTrue(text.contains("own max_pool2d_forward_f32"), text);
        assertTrue(text.contains("not cudnn: cudnnPoolingBackward failed"), text);
      }
    }
  }

  /** As a library may do whose first call is not possible in a recording. */
  @Test
  void aCallThatCannotBeRecordedAtFirstIsTriedInARun() {
    Case test = named("relu [5,7]");
    Simulator.get().fault("cudnnActivationForward", 1, 5000);
    Logger logger = Logger.getLogger(Cudnn.class.getPackageName());
    List<String> told = new ArrayList<>();
    // It keeps the entry to itself.
    Filter filter = entry -> !told.add(entry.getLevel() + ": " + entry.getMessage());
    logger.setFilter(filter);
    try (Session session = open("relu=cudnn", SessionOptions.DEFAULT)) {
      Map<String, Tensor> got = Runner.run(test, session);
      assertEquals(List.of(), Comparison.differences(test, reference(test), got));
    } finally {
      logger.setFilter(null);
    }
    assertEquals(1, told.size(), told.toString());
    String start = "WARNING: cuDNN failed while cudnnActivationForward";
    assertTrue(told.get(0).startsWith(start), told.get(0));
    assertTrue(told.get(0).contains("is tried in a run: "), told.get(0));
    assertTrue(told.get(0).contains("(5000)"), told.get(0));
  }

  @Test
  void sessionsOfOneProcessMayChooseDifferently() {
    Case test = named("training: residual block");
    List<String> choices = List.of("own", "cudnn", "cublas");
    List<Map<String, Tensor>> alone = new ArrayList<>();
    for (String choice : choices) {
      try (Session session = open(choice, SessionOptions.DEFAULT)) {
        alone.add(Runner.run(test, session));
      }
    }
    List<Long> before = counts();
    try (Session own = open("own", SessionOptions.DEFAULT);
        Session cudnn = open("cudnn", SessionOptions.DEFAULT);
        Session cublas = open("cublas", SessionOptions.DEFAULT)) {
      for (int i = 0; i < 2; i++) {
        assertEquals(
            alone, Stream.of(own, cudnn, cublas).map(one -> Runner.run(test, one)).toList());
      }
      assertEquals(List.of(), List.copyOf(own.implementationUse().libraries().keySet()));
      assertEquals(List.of("cudnn"), List.copyOf(cudnn.implementationUse().libraries().keySet()));
      assertEquals(List.of("cublas"), List.copyOf(cublas.implementationUse().libraries().keySet()));
    }
    assertEquals(before, counts());
  }

  @Test
  void programsOfACallerUseItOnAnyStream() {
    Case test = named("training: small CNN, adam, no passes");
    run(test, SessionOptions.DEFAULT);
    List<Long> before = counts();
    Map<String, Tensor> got = CallersRun.of(test, ImplementationChoice.parse("cudnn"));
    assertEquals(List.of(), Comparison.differences(test, reference(test), got));
    assertEquals(before, counts());
  }

  /** Compiled, run, planned and closed over and over: nothing is left, and runs make nothing. */
  @Test
  void nothingStaysOpen() {
    Case test = named("training: small CNN, adam, no passes");
    run(test, SessionOptions.DEFAULT);
    List<Long> before = counts();
    for (int i = 0; i < 2; i++) {
      try (Session session = open("cudnn", SessionOptions.DEFAULT)) {
        Runner.run(test, session);
        List<Long> between = counts();
        Runner.run(test, session);
        session.plan(List.of(test.runs().get(0).program()));
        assertEquals(between, counts());
      }
      assertEquals(before, counts());
    }
  }

  /**
   * Every call of cuDNN fails in turn, while a net is compiled and while it runs. The first call of
   * a computation is its trial, the last is in a run.
   */
  @Test
  void everyCallMayFail() {
    Case test = named("training: residual block");
    Map<String, Integer> calls = new LinkedHashMap<>();
    run(test, SessionOptions.DEFAULT);
    List<Long> before = counts();
    Simulator.get().startTrace();
    Map<String, Tensor> expected = run(test, GUARDED);
    Simulator.get().endTrace().stream()
        .filter(call -> call.startsWith("cudnn"))
        .forEach(call -> calls.merge(call, 1, Integer::sum));
    assertTrue(calls.size() > 20, calls.toString());
    List<String> wrong = new ArrayList<>();
    calls.forEach(
        (call, number) -> {
          boolean descriptors = call.matches("cudnn(Create|Destroy|Set.*Desc|SetConvolution).*");
          for (Fault fault :
              descriptors
                  ? List.of(new Fault(call, 1, 4000, SessionOptions.DEFAULT))
                  : List.of(
                      new Fault(call, 1, 3000, SessionOptions.DEFAULT),
                      new Fault(call, number, 5000, GUARDED))) {
            fault.problems(test, expected).forEach(problem -> wrong.add(fault + ": " + problem));
            if (!counts().equals(before)) {
              wrong.add(fault + ": left open " + COUNTED + " " + counts() + ", not " + before);
            }
          }
        });
    assertEquals("", String.join("\n", wrong));
  }

  private record Fault(String call, int nth, int status, SessionOptions options) {
    List<String> problems(Case test, Map<String, Tensor> expected) {
      Simulator.get().fault(call, nth, status);
      try {
        Map<String, Tensor> got = run(test, options);
        if (call.startsWith("cudnnDestroy")) {
          // What fails in closing is told to the log.
          return got.equals(expected) ? List.of() : List.of("other results");
        }
        // What is refused is computed by an own kernel.
        return status == 3000
            ? Comparison.differences(test, reference(test), got)
            : List.of("no exception");
      } catch (BackendException e) {
        return problems(e.getMessage());
      } finally {
        Simulator.get().clearFaults();
      }
    }

    private List<String> problems(String text) {
      // JCudnn may hide the status of a failed query, and opening has no operands.
      String told = call.endsWith("_v7") ? ") on " : " (" + status + ") on ";
      String operands = call.equals("cudnnCreate") ? "" : "float32";
      return Stream.of(call + " failed: ", told, operands, "simulated")
          .filter(part -> !text.contains(part))
          .map(part -> "does not tell " + part + ": " + text)
          .toList();
    }
  }

  private static Map<String, Tensor> run(Case test, SessionOptions options) {
    try (Session session = open("cudnn", options)) {
      return Runner.run(test, session);
    }
  }
}
