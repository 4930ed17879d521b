package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.conformance.Case;
import dev.gridstride.conformance.Cases;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.conformance.Device;
import dev.gridstride.conformance.Runner;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The conformance cases that have matrix products, by cuBLAS on the simulated device in every
 * precision: captured in a graph and in a random order against the reference, in float32 with the
 * same bits as plain calls between guard zones, and that it is cuBLAS which computes them.
 */
class CublasSuiteTest {
  private static final String FILTER = "gridstride.case";
  private static final ImplementationChoice CUBLAS = ImplementationChoice.parse("cublas");

  @AfterEach
  void programOrder() {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().seed(0);
    }
  }

  @TestFactory
  Stream<DynamicTest> everyProduct() {
    String wanted = System.getProperty(FILTER, "");
    return Arrays.stream(Precision.values())
        .flatMap(
            precision ->
                Cases.all().stream()
                    .filter(test -> test.name().contains(wanted))
                    .filter(CublasSuiteTest::hasProduct)
                    .map(test -> test.in(precision))
                    .map(
                        test ->
                            DynamicTest.dynamicTest(
                                precision + ": " + test.name(), () -> check(test, precision))));
  }

  private static Stream<Node> nodes(Case test) {
    return test.runs().stream().flatMap(run -> run.program().nodes().stream());
  }

  private static boolean hasProduct(Case test) {
    return nodes(test).anyMatch(node -> isProduct(node));
  }

  private static boolean isProduct(Node node) {
    Op op = node.op();
    if (op instanceof Conv2d conv) {
      return isProduct(conv, node.input(1).shape().elementsPerRow() / node.input(1).shape().dim(1));
    } else if (op instanceof Conv2dBackwardData back) {
      return isProduct(
          back.conv(), node.input(1).shape().elementsPerRow() / node.input(1).shape().dim(1));
    } else if (op instanceof Conv2dBackwardWeights back) {
      return isProduct(
          back.conv(), back.weightShape().elementsPerRow() / back.weightShape().dim(1));
    }
    return op instanceof Matmul
        || op instanceof Dense
        || op instanceof DenseBackwardData
        || op instanceof DenseBackwardWeights;
  }

  /** Of 1x1, skipping and padding nothing. */
  private static boolean isProduct(Conv2d conv, long taps) {
    return taps == 1
        && conv.stride().equals(Conv2d.PLAIN.stride())
        && conv.padding().equals(Conv2d.PLAIN.padding());
  }

  /** Results, and how many nodes were products and how many of them went to cuBLAS. */
  private static final class Ran {
    private final Map<String, Tensor> results;
    private int products;
    private int byCublas;

    Ran(Case test, Precision precision, SessionOptions memory, long seed) {
      Simulator.get().seed(seed);
      DeviceOptions options =
          DeviceOptions.DEFAULT.withPrecision(precision).withImplementations(CUBLAS);
      try (CudaSession session =
          new CudaSession("sim", CudaDriver.simulated().device(0), options, memory)) {
        results = Runner.run(test, watched(session));
      }
    }

    /** The session, whose programs are looked at when they are compiled. */
    private Session watched(CudaSession session) {
      InvocationHandler handler =
          (proxy, method, args) -> {
            Object result;
            try {
              result = method.invoke(session, args);
            } catch (InvocationTargetException e) {
              throw e.getCause();
            }
            if (result instanceof Executable executable) {
              count((Program) args[0], executable.explanation());
            }
            return result;
          };
      return (Session)
          Proxy.newProxyInstance(
              Session.class.getClassLoader(), new Class<?>[] {Session.class}, handler);
    }

    private void count(Program program, Explanation explanation) {
      products += (int) program.nodes().stream().filter(CublasSuiteTest::isProduct).count();
      byCublas +=
          (int)
              explanation.rows().stream()
                  .filter(row -> row.implementation().equals(ImplementationChoice.CUBLAS))
                  .count();
    }
  }

  private static void check(Case test, Precision precision) {
    Simulated.require();
    Map<String, Tensor> expected;
    try (Session session = Device.reference().open()) {
      expected = Runner.run(test, session);
    }
    Ran captured = new Ran(test, precision, SessionOptions.DEFAULT, 1);
    assertEquals(List.of(), Comparison.differences(test, expected, captured.results));
    if (precision == Precision.FLOAT32) {
      Ran guarded = new Ran(test, precision, new SessionOptions(true, true, false), 0);
      assertEquals(captured.results, guarded.results, "bits between guard zones, in order");
    }
    assertTrue(captured.products > 0);
    assertEquals(captured.products, captured.byCublas, "products that cuBLAS computed");
  }
}
