package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.ComputeCapability;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.conformance.Case;
import dev.gridstride.conformance.Cases;
import dev.gridstride.conformance.Comparison;
import dev.gridstride.conformance.Device;
import dev.gridstride.conformance.Runner;
import dev.gridstride.conformance.Tolerance;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.pass.Autocast;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Sessions in tf32 and bf16 on the simulated device: every conformance case with products against
 * the reference, and which kernels run.
 */
class PrecisionTest {
  private static final SessionOptions CHECKED = new SessionOptions(true, false, true);

  /** Operations of a case that is there for the CPU's sake, with a smaller one beside it. */
  private static final long LARGE = 100_000_000;

  @BeforeEach
  void needsTheSimulatedDevice() {
    Simulated.require();
  }

  @AfterEach
  void asItWas() {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().seed(0);
      Simulator.get().computeCapability(new ComputeCapability(9, 0));
    }
  }

  private static Session open(Precision precision, SessionOptions options) {
    return SimulatedBackend.open(DeviceOptions.DEFAULT.withPrecision(precision), options);
  }

  private static Map<String, Tensor> run(Case test, Precision precision, SessionOptions options) {
    try (Session session = open(precision, options)) {
      return Runner.run(test, session);
    }
  }

  private static Stream<Case> products() {
    return Cases.all().stream().filter(Case::multiplies);
  }

  private static boolean takesAll(Case test) {
    return test.runs().stream()
        .flatMap(run -> run.program().nodes().stream())
        .filter(node -> Autocast.multiplies(node.op()))
        .allMatch(node -> TensorCores.refusal(node) == null);
  }

  @TestFactory
  Stream<DynamicTest> everyProductIsTheReferences() {
    return products()
        .filter(test -> test.runs().get(0).program().flops() < LARGE)
        .flatMap(
            test ->
                Stream.of(Precision.TF32, Precision.BF16)
                    .map(
                        precision ->
                            DynamicTest.dynamicTest(
                                test.in(precision).name(), () -> check(test, precision))));
  }

  private static void check(Case plain, Precision precision) {
    Case test = plain.in(precision);
    Map<String, Tensor> expected;
    try (Session session = Device.reference().open()) {
      expected = Runner.run(test, session);
    }
    Map<String, Tensor> got = run(test, precision, SessionOptions.DEFAULT);
    assertEquals(List.of(), Comparison.differences(test, expected, got), test.reason());
    boolean integers = plain.name().endsWith("integers");
    Simulator.get().seed(3);
    SessionOptions again = integers ? CHECKED : SessionOptions.DEFAULT;
    assertEquals(got, run(test, precision, again), "in random order");
    Simulator.get().seed(0);
    if (precision == Precision.BF16 && !integers && takesAll(plain)) {
      assertEquals(got, run(plain, precision, SessionOptions.DEFAULT), "casts by the session");
      assertEquals(got, run(test, Precision.FLOAT32, SessionOptions.DEFAULT), "casts apart");
    }
  }

  /** A product of each kind, from one float32 input each. */
  private static Program ofEveryKind() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(2, 8, 6, 6));
    List<Value> results = new ArrayList<>();
    results.add(b.add("conv", Conv2d.PLAIN, x, b.parameter("w3x3", Shape.of(5, 8, 3, 3))));
    results.add(b.add("pointwise", Conv2d.PLAIN, x, b.parameter("w1x1", Shape.of(5, 8, 1, 1))));
    Conv2d grouped = new Conv2d(Size2d.of(1), Padding2d.NONE, Size2d.of(1), 4, false);
    results.add(b.add("grouped", grouped, x, b.parameter("w_grouped", Shape.of(8, 2, 3, 3))));
    results.add(b.add("dense", new Dense(true), x, b.parameter("w_dense", Shape.of(7, 288))));
    Value m = b.parameter("m", Shape.of(6, 6));
    results.add(b.add("nn", new Matmul(false, false), m, m));
    results.add(b.add("tt", new Matmul(true, true), m, m));
    results.forEach(b::output);
    return b.build();
  }

  private static String line(String explanation, String value) {
    return explanation.lines().filter(l -> l.startsWith(value + " = ")).findFirst().orElseThrow();
  }

  private static void assertContains(String text, String part) {
    assertTrue(text.contains(part), () -> "expected '" + part + "' in: " + text);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void explanationsNameKernelsAndReasons(Precision precision) {
    String explanation;
    try (Session session = open(precision, SessionOptions.DEFAULT)) {
      assertTrue(session.description().endsWith(", " + precision), session.description());
      explanation = session.compile(ofEveryKind()).explain();
    }
    boolean tensor = precision != Precision.FLOAT32;
    assertContains(
        line(explanation, "conv"),
        tensor ? "conv2d_forward_" + precision : "conv2d_forward_64x32_f32");
    for (String product : List.of("pointwise", "dense", "nn")) {
      String transposes = product.equals("nn") ? "nn" : "nt";
      assertContains(
          line(explanation, product),
          tensor ? "matmul_" + transposes + "_64x64_" + precision : "matmul_32x32_f32");
    }
    assertContains(line(explanation, "grouped"), "conv2d_grouped_forward_f32");
    assertContains(line(explanation, "tt"), "matmul_32x32_f32");
    String why = "; float32 kernel: ";
    assertEquals(tensor ? 2 : 0, explanation.split(why, -1).length - 1, explanation);
    if (tensor) {
      assertContains(
          line(explanation, "grouped"),
          why + "groups of 2 to 2 channels would leave tensor cores mostly idle");
      assertContains(
          line(explanation, "tt"), why + "tensor cores have none for two transposed matrices");
    }
    long casts = explanation.lines().filter(l -> l.contains("cast_f32_to_bf16")).count();
    assertEquals(precision == Precision.BF16 ? 5 : 0, casts, "x, w3x3, w1x1, w_dense, m");
    assertFalse(explanation.contains("cast_bf16_to_f32"), explanation);
  }

  /** Products that follow each other, of which the second's result is read as float32 too. */
  private static Case chain() {
    Program.Builder b = new Program.Builder();
    SplittableRandom random = new SplittableRandom(7);
    Map<Value, Tensor> data = new LinkedHashMap<>();
    Value x = b.input("x", TensorType.float32(3, 5, 6, 6));
    List<Value> weights = new ArrayList<>(List.of(x));
    Value y = x;
    for (int i = 0; i < 3; i++) {
      int side = i == 1 ? 1 : 3;
      weights.add(b.parameter("w" + i, Shape.of(i == 0 ? 9 : 8, y.shape().dim(1), side, side)));
      y = b.add("y" + i, Conv2d.PLAIN.withRelu(i == 0), y, weights.get(i + 1));
      if (i == 1) {
        b.output(y);
      }
    }
    weights.add(b.parameter("v", Shape.of(6, 32)));
    y = b.add("y3", new Dense(false), y, weights.get(4));
    weights.add(b.parameter("u", Shape.of(6, 5)));
    b.output(b.add("y4", new Matmul(false, false), y, weights.get(5)));
    for (Value value : weights) {
      float[] values = new float[(int) value.shape().elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble(-1, 1);
      }
      data.put(value, Tensor.of(value.shape(), values));
    }
    List<Case.Run> runs = List.of(new Case.Run(b.build(), 1));
    return new Case("chain", "", 7, runs, data, Tolerance.ofUnits(128), Map.of(), null);
  }

  @Test
  void productsWriteTheBfloat16OfTheirResults() {
    Case test = chain();
    Map<String, Tensor> got = run(test, Precision.BF16, CHECKED);
    Case casts = test.in(Precision.BF16);
    assertEquals(run(casts, Precision.FLOAT32, SessionOptions.DEFAULT), got);
    try (Session session = Device.reference().open()) {
      assertEquals(List.of(), Comparison.differences(casts, Runner.run(casts, session), got));
    }
    try (Session session = open(Precision.BF16, SessionOptions.DEFAULT)) {
      String explanation = session.compile(test.runs().get(0).program()).explain();
      assertContains(line(explanation, "y0_bf16"), "Conv2d");
      assertContains(line(explanation, "y1, y1_bf16"), "matmul_nt_64x64_bf16");
      assertContains(line(explanation, "y2_bf16"), "Conv2d");
      assertContains(line(explanation, "y3_bf16"), "Dense");
      long left = explanation.lines().filter(l -> l.contains("cast_f32_to_bf16")).count();
      assertEquals(6, left, "x and five weights");
    }
  }

  /** Of random numbers, every precision has other results, and all products that it takes do. */
  @Test
  void precisionsDiffer() {
    Case test =
        products()
            .filter(one -> one.name().equals("conv2d [2,32,14,14] to 64, kernel 3x3, bias, relu"))
            .findFirst()
            .orElseThrow();
    Map<String, Tensor> float32 = run(test, Precision.FLOAT32, SessionOptions.DEFAULT);
    Map<String, Tensor> tf32 = run(test, Precision.TF32, SessionOptions.DEFAULT);
    Map<String, Tensor> bf16 = run(test, Precision.BF16, SessionOptions.DEFAULT);
    for (String result : List.of("y", "d_x", "d_w", "d_w.1")) {
      String key = "program 0, run 0: " + result;
      assertNotEquals(float32.get(key), tf32.get(key), result);
      assertNotEquals(float32.get(key), bf16.get(key), result);
      assertNotEquals(tf32.get(key), bf16.get(key), result);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"TF32", "BF16"})
  void anOldCardIsRefusedAtOnce(Precision precision) {
    Simulator.get().computeCapability(new ComputeCapability(7, 5));
    BackendException error =
        assertThrows(BackendException.class, () -> open(precision, SessionOptions.DEFAULT));
    assertContains(error.getMessage(), "sim: precision " + precision);
    assertContains(error.getMessage(), "needs compute capability 8.0, ");
    assertContains(error.getMessage(), " has 7.5; choose --precision float32 or another card");
  }

  /** A program that has casts itself runs on any card. */
  @Test
  void anOldCardMultipliesBfloat16AsFloat32() {
    Case test =
        Cases.all().stream()
            .filter(one -> one.name().startsWith("conv2d of casts"))
            .findFirst()
            .orElseThrow();
    Map<String, Tensor> expected = run(test, Precision.FLOAT32, SessionOptions.DEFAULT);
    Simulator.get().computeCapability(new ComputeCapability(7, 5));
    assertEquals(expected, run(test, Precision.FLOAT32, SessionOptions.DEFAULT));
    try (Session session = open(Precision.FLOAT32, SessionOptions.DEFAULT)) {
      String explanation = session.compile(test.runs().get(0).program()).explain();
      assertContains(
          line(explanation, "y"),
          "; float32 kernel: tf32 and bf16 need compute capability 8.0, the device has 7.5");
    }
  }
}
