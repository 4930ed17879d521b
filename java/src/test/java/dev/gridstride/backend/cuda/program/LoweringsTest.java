package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Precision;
import dev.gridstride.conformance.Cases;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Role;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;
import org.junit.jupiter.api.Test;

class LoweringsTest {
  /** An op of somebody else. */
  private record Unheard() implements Op {
    @Override
    public String name() {
      return "unheard";
    }

    @Override
    public List<TensorType> outputTypes(List<TensorType> inputs) {
      return inputs;
    }
  }

  private static Value value(String name) {
    return Value.of(name, TensorType.float32(2), Role.ACTIVATION, false);
  }

  @Test
  void anUnknownOpIsNamedWithItsNode() {
    Node node = new Node(new Unheard(), List.of(value("x")), List.of(value("y")));
    BackendException error = assertThrows(BackendException.class, () -> Lowerings.of(node));
    assertTrue(
        error.getMessage().contains("op unheard has no kernel for CUDA"), error.getMessage());
    assertTrue(error.getMessage().contains("y = "), error.getMessage());
  }

  @Test
  void everyNodeOfEveryCaseIsLowered() {
    Emitter.Traits device = new Emitter.Traits(132, 90, Precision.FLOAT32);
    int nodes = 0;
    for (var test : Cases.all()) {
      for (var run : test.runs()) {
        Recording recording =
            new Recording(
                run.program(),
                Surroundings.apart(v -> new Place.Memory(v.name(), v.type().bytes())),
                device);
        assertEquals(run.program().nodes().size(), recording.steps().size());
        nodes += recording.steps().size();
      }
    }
    assertTrue(nodes > 1000, "only " + nodes);
  }
}
