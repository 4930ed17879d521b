package dev.gridstride.program.pass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Sgd;
import dev.gridstride.program.op.WeightPenalty;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AutocastTest {
  private static List<String> casts(Program program) {
    return program.nodes().stream()
        .filter(node -> node.op() instanceof Cast)
        .map(node -> node.input(0).name())
        .toList();
  }

  /** A convolution and a dense layer, their gradients, and an update of both weights. */
  private static Program trainingStep() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(2, 3, 4, 4));
    Value w = b.parameter("w", Shape.of(5, 3, 3, 3));
    Value v = b.parameter("v", Shape.of(4, 20));
    Value hidden = b.add("hidden", Conv2d.PLAIN.withRelu(true), x, w);
    Value y = b.add("y", new Dense(false), hidden, v);
    Value loss = b.add("loss", new WeightPenalty(0, 1), y);
    b.output(loss);
    Map<Value, Value> gradients = Differentiate.append(b, loss, List.of(w, v));
    Value rate = b.state("rate", TensorType.scalar(DataType.FLOAT32));
    gradients.forEach(
        (value, gradient) -> {
          Value velocity = b.state(value.name() + ".velocity", value.type());
          b.update(
              new Sgd(0.9f, false, 0),
              List.of(value, gradient, velocity, rate),
              List.of(value, velocity));
        });
    return b.build();
  }

  @Test
  void everyFactorIsCastOnceWhoeverReadsIt() {
    Program program = Autocast.apply(trainingStep(), node -> true);
    assertEquals(List.of("x", "w", "hidden", "v", "d_y", "d_hidden_pre"), casts(program));
    int products = 0;
    for (Node node : program.nodes()) {
      if (Autocast.multiplies(node.op())) {
        products++;
        assertEquals(DataType.BFLOAT16, node.input(0).type().dtype(), node.toString());
        assertEquals(DataType.BFLOAT16, node.input(1).type().dtype(), node.toString());
        assertEquals(DataType.FLOAT32, node.output(0).type().dtype(), node.toString());
      } else if (!(node.op() instanceof Cast)) {
        node.inputs().forEach(v -> assertTrue(v.type().dtype() != DataType.BFLOAT16));
      }
    }
    assertEquals(5, products);
  }

  @Test
  void mastersStayFloat32() {
    Program program = Autocast.apply(trainingStep(), node -> true);
    program.values().stream()
        .filter(value -> value.role().persistent())
        .forEach(value -> assertEquals(DataType.FLOAT32, value.type().dtype(), value.name()));
    assertSame(
        program.outputs().get(0),
        program.values().stream().filter(v -> v.name().equals("loss")).findFirst().orElseThrow());
  }

  @Test
  void whatIsNotWantedStaysFloat32() {
    Program program = Autocast.apply(trainingStep(), node -> node.op() instanceof Dense);
    assertEquals(List.of("hidden", "v"), casts(program));
  }

  @Test
  void aPersistentValueIsCastAgainAfterItWasOverwritten() {
    Program.Builder b = new Program.Builder();
    Value a = b.input("a", TensorType.float32(3, 3));
    Value m = b.state("m", TensorType.float32(3, 3));
    b.output(b.add("before", new Matmul(false, false), a, m));
    b.update(new Relu(), List.of(m), List.of(m));
    b.output(b.add("after", new Matmul(false, false), a, m));
    b.output(b.add("last", new Matmul(true, false), a, m));
    Program program = Autocast.apply(b.build(), node -> true);
    assertEquals(List.of("a", "m", "m"), casts(program));
    List<Node> products =
        program.nodes().stream().filter(node -> node.op() instanceof Matmul).toList();
    assertTrue(products.get(0).input(1) != products.get(1).input(1));
    assertSame(products.get(1).input(1), products.get(2).input(1));
    assertSame(products.get(0).input(0), products.get(2).input(0));
  }

  @Test
  void aSecondTimeChangesNothing() {
    Program once = Autocast.apply(trainingStep(), node -> true);
    assertEquals(once.nodes(), Autocast.apply(once, node -> true).nodes());
  }
}
