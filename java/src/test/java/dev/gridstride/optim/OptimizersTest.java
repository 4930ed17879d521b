package dev.gridstride.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.Schedule;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class OptimizersTest {
  private final Program.Builder builder = new Program.Builder();
  private final Value weight = builder.parameter("fc1.weight", Shape.of(2));
  private final Value gradient = builder.data("g", TensorType.float32(2));
  private final Value step = builder.state("step", TensorType.scalar(DataType.INT64));
  private final Value rate = builder.state("rate", TensorType.scalar(DataType.FLOAT32));

  private Node update(Optimizer optimizer) {
    optimizer.addUpdates(builder, Map.of(weight, gradient), step, rate);
    return builder.build().nodes().get(0);
  }

  private static List<String> names(List<Value> values) {
    return values.stream().map(Value::name).toList();
  }

  @Test
  void adamHasKerasDefaultsAndNamedMoments() {
    Node node = update(Adam.defaults());
    assertEquals(new dev.gridstride.program.op.Adam(0.9f, 0.999f, 1e-7f, 0), node.op());
    assertEquals(
        List.of("fc1.weight", "g", "adam.m/fc1.weight", "adam.v/fc1.weight", "step", "rate"),
        names(node.inputs()));
    assertEquals(
        List.of("fc1.weight", "adam.m/fc1.weight", "adam.v/fc1.weight"), names(node.outputs()));
    assertEquals(new Schedule.Constant(0.001), Adam.defaults().schedule());
  }

  @Test
  void adamWAddsItsDecay() {
    Node node = update(AdamW.defaults().betas(0.8f, 0.9f).epsilon(1e-8f).weightDecay(0.1f));
    assertEquals(new dev.gridstride.program.op.Adam(0.8f, 0.9f, 1e-8f, 0.1f), node.op());
  }

  @Test
  void sgdKeepsAVelocity() {
    Node node = update(Sgd.defaults().nesterov(0.9f).weightDecay(5e-4f));
    assertEquals(new dev.gridstride.program.op.Sgd(0.9f, true, 5e-4f), node.op());
    assertEquals(
        List.of("fc1.weight", "g", "sgd.velocity/fc1.weight", "rate"), names(node.inputs()));
  }

  /**
   * Two steps with g = (0.5, -2), lr = 0.1, worked out below in double from the documented rule.
   */
  static Stream<Arguments> steps() {
    return Stream.of(
        Arguments.of(Adam.defaults(), adam(0)),
        Arguments.of(AdamW.defaults().weightDecay(0.5f), adam(0.5)),
        Arguments.of(Sgd.defaults(), new double[] {1 - 0.1, 2 + 0.4}),
        // u: 0.5 then 0.75; and -2 then -3.
        Arguments.of(Sgd.defaults().momentum(0.5f), new double[] {1 - 0.125, 2 + 0.5}),
        // g + u / 2: 0.75 then 0.875; and -3 then -3.5.
        Arguments.of(Sgd.defaults().nesterov(0.5f), new double[] {1 - 0.1625, 2 + 0.65}),
        // Decay 0.5: w = 1 -> 1 - 0.1 * 1 -> 0.9 - 0.1 * 0.95; w = 2 -> 2 + 0.1 -> 2.1 + 0.095.
        Arguments.of(Sgd.defaults().weightDecay(0.5f), new double[] {0.9 - 0.095, 2.1 + 0.095}));
  }

  /**
   * With a constant gradient, the corrected moments are g and g squared in every step, so each step
   * is lr * sign(g), but for epsilon, and the decay.
   */
  private static double[] adam(double decay) {
    double[] w = {1, 2};
    for (int t = 0; t < 2; t++) {
      w[0] -= 0.1 * (0.5 / (0.5 + 1e-7) + decay * w[0]);
      w[1] -= 0.1 * (-2 / (2 + 1e-7) + decay * w[1]);
    }
    return w;
  }

  @ParameterizedTest
  @MethodSource("steps")
  void stepsFollowTheFormula(Optimizer optimizer, double[] expected) {
    update(optimizer);
    builder.update(new Increment(1), List.of(step), List.of(step));
    try (Session session = Backends.open("reference", 1).session();
        Executable executable = session.compile(builder.build())) {
      session.write(weight, Tensor.of(Shape.of(2), 1f, 2f));
      session.write(gradient, Tensor.of(Shape.of(2), 0.5f, -2f));
      session.write(rate, Tensor.of(Shape.scalar(), 0.1f));
      executable.run();
      executable.run();
      float[] got = session.read(weight).floats();
      for (int i = 0; i < 2; i++) {
        assertEquals(expected[i], got[i], 1e-6);
      }
    }
  }

  @Test
  void namesAreKnown() {
    for (String name : Optimizers.names()) {
      Optimizer optimizer = Optimizers.create(name);
      assertEquals(
          new Schedule.Constant(3), optimizer.schedule(new Schedule.Constant(3)).schedule());
    }
    assertTrue(Optimizers.create("nesterov").toString().contains("nesterov"));
    ProgramException error =
        assertThrows(ProgramException.class, () -> Optimizers.create("rmsprop"));
    assertEquals(
        "unknown optimizer rmsprop; known: adam, adamw, sgd, nesterov", error.getMessage());
  }

  @Test
  void rangesAreChecked() {
    assertThrows(ProgramException.class, () -> Adam.defaults().betas(1, 0.9f));
    assertThrows(ProgramException.class, () -> Adam.defaults().epsilon(0));
    assertThrows(ProgramException.class, () -> AdamW.defaults().weightDecay(-1));
    assertThrows(ProgramException.class, () -> Sgd.defaults().momentum(1));
    assertThrows(ProgramException.class, () -> Sgd.defaults().nesterov(0));
    assertThrows(ProgramException.class, () -> Adam.defaults().learningRate(0));
  }

  @ParameterizedTest
  @CsvSource({
    "constant, 0, 1",
    "constant, 99, 1",
    "step, 29, 1",
    "step, 30, 0.1",
    "step, 60, 0.01",
    "step, 89, 0.01",
    "cosine, 0, 1",
    "cosine, 45, 0.5",
    "cosine, 90, 0",
    "linear, 0, 1",
    "linear, 45, 0.5",
    "linear, 90, 0",
    "warmup, 0, 0.1111111111111111",
    "warmup, 8, 1",
    "warmup, 50, 1",
    "warmup-linear, 0, 0.1111111111111111",
    "warmup-linear, 45, 0.5"
  })
  void schedulesFitTheTraining(String name, long at, double expected) {
    assertEquals(expected, Schedules.create(name, 1, 90).at(at), 1e-12);
  }

  @Test
  void schedulesByName() {
    for (String name : Schedules.names()) {
      assertTrue(Schedules.create(name, 0.1, 1).at(0) > 0);
    }
    assertThrows(ProgramException.class, () -> Schedules.create("exp", 0.1, 10));
    assertThrows(ProgramException.class, () -> Schedules.create("warmup-", 0.1, 10));
    assertThrows(ProgramException.class, () -> Schedules.create("cosine", 0, 10));
  }
}
