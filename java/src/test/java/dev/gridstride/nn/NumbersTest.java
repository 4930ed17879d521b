package dev.gridstride.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.pass.Differentiate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What layers compute, on the reference backend, against numbers worked out by hand. */
class NumbersTest {
  private final Program.Builder builder = new Program.Builder();

  private record Run(Tensor output, Map<String, Tensor> kept) {}

  /** Applies a layer to x, from its own first values, {@code steps} times. */
  private static Run run(Layer layer, boolean training, int steps, Tensor x) {
    Program.Builder builder = new Program.Builder();
    Scope scope = training ? Scope.training(builder, 5) : Scope.inference(builder);
    Value input = builder.input("x", x.type());
    Value output = scope.apply("layer", layer, input);
    builder.output(output);
    try (Session session = Backends.open("reference", 1).session();
        Executable executable = session.compile(builder.build())) {
      session.write(input, x);
      scope.parameters().forEach(p -> session.write(p.value(), p.initial(1)));
      for (int step = 0; step < steps; step++) {
        executable.run();
      }
      Map<String, Tensor> kept = new java.util.TreeMap<>();
      scope.parameters().forEach(p -> kept.put(p.name(), session.read(p.value())));
      return new Run(executable.read(output), kept);
    }
  }

  @Test
  void identityConvolutionHandsTheImageThrough() {
    Tensor x = Tensor.of(Shape.of(1, 2, 2, 2), 1, -2, 3, -4, 5, 6, -7, 8f);
    Conv2d conv = Conv2d.of(2, 3).samePadding().initializer(Initializers.identity());
    assertEquals(x, run(conv, true, 1, x).output);
    assertArrayEquals(
        new float[] {1, 0, 3, 0, 5, 6, 0, 8}, run(conv.relu(), true, 1, x).output.floats());
    assertEquals(x, run(conv.groups(2).initializer(Initializers.identity(2)), true, 1, x).output);
  }

  @Test
  void residualAddsBranchAndShortcut() {
    Tensor x = Tensor.of(Shape.of(1, 1, 1, 3), 1f, -2f, 3f);
    Conv2d one = Conv2d.of(1, 1).initializer(Initializers.identity());
    Conv2d twice = Conv2d.of(1, 1).initializer(Initializers.constant(2));
    assertArrayEquals(new float[] {2, -4, 6}, run(Residual.of(one), true, 1, x).output.floats());
    assertArrayEquals(
        new float[] {3, 0, 9},
        run(Residual.of(one).shortcut(twice).relu(), true, 1, x).output.floats());
  }

  /** Channel values 1, 3, 5, 7: mean 4, variance 5, unbiased 20/3. */
  @Test
  void batchNormNormalisesAndFollowsTheBatch() {
    Tensor x = Tensor.of(Shape.of(4, 1), 1f, 3f, 5f, 7f);
    BatchNorm norm = BatchNorm.of().momentum(0.5f);
    Run training = run(norm, true, 2, x);
    double s = Math.sqrt(5 + 1e-5);
    float[] expected = {(float) (-3 / s), (float) (-1 / s), (float) (1 / s), (float) (3 / s)};
    assertArrayEquals(expected, training.output.floats(), 1e-6f);
    assertEquals(3, training.kept.get("layer.running_mean").get(0), 1e-6);
    assertEquals(0.25 + 0.75 * 20 / 3, training.kept.get("layer.running_var").get(0), 1e-6);
    float unit = (float) (1 / Math.sqrt(1 + 1e-5));
    float[] first = {unit, 3 * unit, 5 * unit, 7 * unit};
    assertArrayEquals(first, run(norm, false, 1, x).output.floats(), 1e-6f);
  }

  @Test
  void batchNormOfOneElementStaysFinite() {
    Run run = run(BatchNorm.of(), true, 1, Tensor.of(Shape.of(1, 1), 9f));
    assertEquals(0, run.output.get(0));
    assertEquals(0.9, run.kept.get("layer.running_var").get(0), 1e-6);
  }

  @Test
  void dropoutKeepsTheMean() {
    float[] ones = new float[10_000];
    java.util.Arrays.fill(ones, 1);
    float[] dropped =
        run(new Dropout(0.2f), true, 1, Tensor.of(Shape.of(100, 100), ones)).output.floats();
    int zeros = 0;
    for (float value : dropped) {
      assertEquals(value == 0 ? 0 : 1.25f, value, 1e-6f);
      zeros += value == 0 ? 1 : 0;
    }
    // Four standard deviations of a binomial count of 10,000 draws.
    assertEquals(2000, zeros, 4 * Math.sqrt(10_000 * 0.2 * 0.8));
  }

  @Test
  void modelsGiveProbabilities() {
    for (String name : Models.names()) {
      Model model = Models.create(name, Shape.of(1, 10, 10), 3);
      Tensor x = Tensor.zeros(TensorType.float32(2, 1, 10, 10));
      x.floats()[7] = 1;
      Program.Builder program = new Program.Builder();
      Value input = model.input(program, 2);
      Value output = model.build(Scope.inference(program), input);
      program.output(output);
      try (Session session = Backends.open("reference", 1).session();
          Executable executable = session.compile(program.build())) {
        session.write(input, x);
        Map<String, Tensor> weights = model.initialWeights(1);
        model.parameters().forEach(p -> session.write(p.value(), weights.get(p.name())));
        executable.run();
        float[] p = executable.read(output).floats();
        assertEquals(1, p[0] + p[1] + p[2], 1e-6f);
        assertEquals(1 / 3f, p[3], 1e-6f); // an image of zeros and biases of zero
      }
    }
  }

  /** L = 0.1 * (|1| + |-2|) + 0.5 * (1 + 4) with x = 0, and dL/dw = 0.1 * sign(w) + 2 * 0.5 * w. */
  @Test
  void penaltiesReachLossAndGradient() {
    Scope scope = Scope.training(builder, 0);
    Value x = builder.input("x", TensorType.float32(1, 2));
    Dense dense = Dense.of(1).bias(false).penalty(0.1f, 0.5f);
    Value y = scope.apply("fc1", dense, x);
    Value target = builder.input("t", TensorType.float32(1, 1));
    Value error = builder.add("loss", new MeanSquaredError(), y, target);
    Value loss = scope.addPenalties(error);
    builder.output(loss);
    Value weight = scope.parameters().get(0).value();
    Value gradient = Differentiate.append(builder, loss, List.of(weight)).get(weight);
    builder.output(gradient);
    try (Session session = Backends.open("reference", 1).session();
        Executable executable = session.compile(builder.build())) {
      session.write(weight, Tensor.of(Shape.of(1, 2), 1f, -2f));
      executable.run();
      assertEquals(2.8, executable.read(loss).scalar(), 1e-6);
      assertArrayEquals(new float[] {1.1f, -2.1f}, executable.read(gradient).floats(), 1e-6f);
    }
  }

  @Test
  void layerOfOnesOwnIsALambda() {
    Layer rotation =
        (scope, x) -> {
          Value weight = scope.parameter("weight", Shape.of(2, 2), Initializers.identity());
          return scope.add(new Matmul(false, false), x, weight);
        };
    Tensor x = Tensor.of(Shape.of(1, 2), 3f, 4f);
    Run run = run(rotation, true, 1, x);
    assertEquals(x, run.output);
    assertEquals(DataType.FLOAT32, run.kept.get("layer.weight").type().dtype());
  }
}
