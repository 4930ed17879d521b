package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.pass.Differentiate;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A label that is no class. The reference refuses it; a kernel cannot, so it makes the loss NaN,
 * which stops a training, and must not read out of range.
 */
class CrossEntropyTest {
  /** With the checker, values in buffers of their own between guard zones. */
  private static final SessionOptions CHECKED = new SessionOptions(true, false, true);

  @ParameterizedTest
  @CsvSource({
    "true,5,5",
    "true,5,-1",
    "true,300,300",
    "false,5,2147483647",
    "false,300,-2147483648"
  })
  void labelThatIsNoClass(boolean softmax, int classes, int label) {
    Simulated.require();
    Program.Builder builder = new Program.Builder();
    Tensor scores = ramp(3, classes);
    Tensor labels = Tensor.of(Shape.of(3), 0, label, classes - 1);
    Value x = builder.input("x", scores.type());
    Value t = builder.input("t", labels.type());
    Op op = softmax ? new SoftmaxCrossEntropy(0.1f) : new CrossEntropy(0.1f);
    Value loss = builder.addAll("loss", op, List.of(x, t)).get(0);
    Value gradient = Differentiate.append(builder, loss, List.of(x)).get(x);
    builder.output(loss);
    builder.output(gradient);
    Program program = builder.build();
    try (Session session = SimulatedBackend.open(DeviceOptions.DEFAULT, CHECKED);
        Executable executable = session.compile(program)) {
      session.write(x, scores);
      session.write(t, labels);
      executable.run();
      assertTrue(Double.isNaN(executable.read(loss).get(0)), "loss");
      Tensor dx = executable.read(gradient);
      for (int i = 0; i < 3 * classes; i++) {
        assertEquals(i / classes == 1, Double.isNaN(dx.get(i)), "gradient " + i + " is NaN");
      }
    }
  }

  /** Rows of 1 / classes to 1. */
  private static Tensor ramp(int rows, int classes) {
    float[] values = new float[rows * classes];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % classes + 1f) / classes;
    }
    return Tensor.of(Shape.of(rows, classes), values);
  }
}
