package dev.gridstride.program.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.WeightPenalty;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The walk over the program; the gradient rules of the ops are checked by finite differences. */
class DifferentiateTest {
  private static void assertFails(String message, Runnable action) {
    ProgramException error = assertThrows(ProgramException.class, action::run);
    assertEquals(message, error.getMessage());
  }

  /** For w + w + w, the gradient of half the squares is 3 * 3 w. */
  @Test
  void gradientsOfAllReadersAddUp() {
    Program.Builder b = new Program.Builder();
    Value w = b.parameter("w", Shape.of(4));
    Value two = b.add("two", new Add(), w, w);
    Value three = b.add("three", new Add(), two, w);
    Value loss = b.add("loss", new WeightPenalty(0, 0.5f), three);
    Value gradient = Differentiate.append(b, loss, List.of(w)).get(w);
    b.output(gradient);
    b.output(three);
    var results = Evaluation.of(b.build());
    float[] expected = results.get("three").floats();
    for (int i = 0; i < expected.length; i++) {
      expected[i] *= 3;
    }
    assertArrayEquals(expected, results.get(gradient.name()).floats());
  }

  @Test
  void theLossItselfMayBeWanted() {
    Program.Builder b = new Program.Builder();
    Value loss = b.add("loss", new WeightPenalty(0, 1), b.parameter("w", Shape.of(4)));
    Value gradient = Differentiate.append(b, loss, List.of(loss)).get(loss);
    b.output(gradient);
    assertEquals(1, Evaluation.of(b.build()).get("d_loss").scalar());
  }

  @Test
  void onlyWhatIsNeededIsComputed() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(2, 3));
    Value w = b.parameter("w", Shape.of(4, 3));
    Value loss = b.add("loss", new WeightPenalty(0, 1), b.add("y", new Dense(false), x, w));
    int forward = b.build().nodes().size();
    Map<Value, Value> gradients = Differentiate.append(b, loss, List.of(w));
    List<String> ops =
        b.build().nodes().stream().skip(forward).map(node -> node.op().name()).toList();
    assertEquals(List.of("fill", "weight_penalty_backward", "dense_backward_weights"), ops);
    assertEquals(Role.GRADIENT, gradients.get(w).role());
    assertEquals("d_w", gradients.get(w).name());
  }

  @Test
  void independenceIsAnError() {
    Program.Builder b = new Program.Builder();
    Value other = b.parameter("other", Shape.of(4));
    b.add("y", new Relu(), other);
    Value loss = b.add("loss", new WeightPenalty(0, 1), b.parameter("w", Shape.of(4)));
    assertFails(
        "differentiate: loss does not depend on other",
        () -> Differentiate.append(b, loss, List.of(other)));
  }

  @Test
  void theLossMustBeAScalar() {
    Program.Builder b = new Program.Builder();
    Value w = b.parameter("w", Shape.of(4));
    Value y = b.add("y", new Relu(), w);
    assertFails(
        "differentiate: the loss must be a scalar, got y: float32[4]",
        () -> Differentiate.append(b, y, List.of(w)));
  }

  @Test
  void bothSidesOfASquaredErrorHaveGradients() {
    Program.Builder b = new Program.Builder();
    Value x = b.parameter("x", Shape.of(4));
    Value t = b.parameter("t", Shape.of(4));
    Value loss = b.add("loss", new MeanSquaredError(), x, t);
    Map<Value, Value> gradients = Differentiate.append(b, loss, List.of(x, t));
    Value sum = b.add("sum", new Add(), gradients.get(x), gradients.get(t));
    b.output(sum);
    assertArrayEquals(new float[4], Evaluation.of(b.build()).get("sum").floats());
  }

  /** Soft labels that depend on a parameter, as in distillation: not silently constant. */
  @Test
  void aGradientThatWouldBeDroppedIsAnError() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(2, 3));
    Value w = b.parameter("w", Shape.of(2, 3));
    Value labels = b.add("labels", new Relu(), w);
    Value logits = b.add("logits", new Add(), x, w);
    Value loss = b.addAll("loss", new SoftmaxCrossEntropy(0), List.of(logits, labels)).get(0);
    assertFails(
        "softmax_cross_entropy: has no gradient with respect to its input labels: float32[2,3]",
        () -> Differentiate.append(b, loss, List.of(w)));
  }

  @Test
  void batchStatisticsHaveNoGradient() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(2, 3));
    Value gamma = b.parameter("gamma", Shape.of(3));
    Value beta = b.parameter("beta", Shape.of(3));
    Value mean = b.addAll("y", new BatchNorm(1e-3f), List.of(x, gamma, beta)).get(1);
    Value loss = b.add("loss", new WeightPenalty(0, 1), mean);
    assertFails(
        "batch_norm: has no gradient through its outputs mean and variance,"
            + " and the loss depends on them",
        () -> Differentiate.append(b, loss, List.of(gamma)));
  }

  @Test
  void anOpWithoutGradientIsAnError() {
    Program.Builder b = new Program.Builder();
    Value w = b.parameter("w", Shape.of(2, 3));
    Value labels = b.input("labels", new TensorType(DataType.INT32, Shape.of(2)));
    Value loss = b.add("loss", new Opaque(), w, labels);
    assertFails("opaque: has no gradient", () -> Differentiate.append(b, loss, List.of(w)));
  }

  /** An op that keeps the default gradient rule. */
  private record Opaque() implements dev.gridstride.program.Op {
    @Override
    public String name() {
      return "opaque";
    }

    @Override
    public List<TensorType> outputTypes(List<TensorType> inputs) {
      return List.of(TensorType.scalar(DataType.FLOAT32));
    }
  }
}
