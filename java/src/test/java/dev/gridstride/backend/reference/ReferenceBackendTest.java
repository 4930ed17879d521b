package dev.gridstride.backend.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is peculiar to the reference; the rest is in the conformance suite. */
class ReferenceBackendTest {
  /** An op that no backend knows. */
  private record Unheard() implements Op {
    @Override
    public String name() {
      return "unheard_of";
    }

    @Override
    public List<TensorType> outputTypes(List<TensorType> inputs) {
      return List.of(TensorType.float32(1));
    }
  }

  @Test
  void anUnknownOpIsNamed() {
    Program.Builder b = new Program.Builder();
    b.output(b.add("y", new Unheard()));
    try (ReferenceSession session = new ReferenceSession()) {
      BackendException error =
          assertThrows(BackendException.class, () -> session.compile(b.build()));
      assertTrue(error.getMessage().contains("unheard_of"), error.getMessage());
      assertTrue(error.getMessage().contains("HostOp"), error.getMessage());
    }
  }

  @Test
  void thereIsOneDevice() {
    BackendException error =
        assertThrows(
            BackendException.class,
            () -> new ReferenceBackend().open(DeviceOptions.DEFAULT.withIndex(1)));
    assertEquals("reference: no device reference:1; there is only reference:0", error.getMessage());
  }

  @Test
  void aLabelOutOfRangeIsNamed() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TensorType.float32(2, 3));
    Value labels = b.input("labels", new TensorType(DataType.INT32, Shape.of(2)));
    b.output(b.addAll("loss", new SoftmaxCrossEntropy(0), List.of(x, labels)).get(0));
    try (ReferenceSession session = new ReferenceSession()) {
      Executable executable = session.compile(b.build());
      session.write(labels, Tensor.of(Shape.of(2), 0, 3));
      BackendException error = assertThrows(BackendException.class, executable::run);
      assertEquals("reference: label of sample 1 must be from 0 to 2, got 3", error.getMessage());
    }
  }
}
