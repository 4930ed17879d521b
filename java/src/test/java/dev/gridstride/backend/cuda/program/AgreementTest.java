package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.op.Relu;
import java.util.List;
import org.junit.jupiter.api.Test;

class AgreementTest {
  private static final int TERMS = 900;

  private static Node product() {
    Program.Builder builder = new Program.Builder();
    Value a = builder.input("a", TensorType.float32(1, TERMS));
    Value b = builder.parameter("b", Shape.of(TERMS, 2));
    builder.add("y", new Matmul(false, false), a, b);
    return builder.build().nodes().get(0);
  }

  private static Agreement of(Precision precision, float expected, float got) {
    return of(precision, expected, got, "");
  }

  private static Agreement of(Precision precision, float expected, float got, String how) {
    Shape shape = Shape.of(1, 2);
    return Agreement.of(
        product(),
        List.of(Tensor.of(shape, 3f, expected)),
        List.of(Tensor.of(shape, 3f, got)),
        precision,
        how);
  }

  @Test
  void roundingIsAllowedAndNoMore() {
    // A sum of 900 products is about 10, so float32 leaves some 30 units of 2^-24 times that.
    assertTrue(of(Precision.FLOAT32, 9f, 9f + 1e-5f).agrees());
    assertFalse(of(Precision.FLOAT32, 9f, 9f + 1e-3f).agrees());
    assertTrue(of(Precision.FLOAT32, 9f, 9f + 1e-3f, "forward, WINOGRAD").agrees());
    assertFalse(of(Precision.FLOAT32, 9f, 9f + 1e-2f, "forward, WINOGRAD").agrees());
    // TF32 rounds both factors to 11 bits.
    assertTrue(of(Precision.TF32, 9f, 9f + 0.01f).agrees());
    assertFalse(of(Precision.TF32, 9f, 9.5f).agrees());
    // Products of bfloat16 factors are exact and summed in float32: a result that went through
    // bfloat16 is another.
    assertTrue(of(Precision.BF16, 9f, 9f + 3e-4f).agrees());
    assertFalse(of(Precision.BF16, 9f, 9f + 0.03f).agrees());
  }

  @Test
  void whatIsNoNumberAgreesWithItselfAlone() {
    assertTrue(of(Precision.FLOAT32, Float.NaN, Float.NaN).agrees());
    assertFalse(of(Precision.FLOAT32, 9f, Float.NaN).agrees());
    assertFalse(of(Precision.FLOAT32, Float.NaN, 9f).agrees());
    assertFalse(of(Precision.FLOAT32, 9f, Float.POSITIVE_INFINITY).agrees());
    assertEquals(
        Double.POSITIVE_INFINITY, of(Precision.FLOAT32, 9f, Float.POSITIVE_INFINITY).error());
  }

  @Test
  void theWorstOfSeveralOutputsIsTold() {
    Program.Builder builder = new Program.Builder();
    builder.add("y", new Relu(), builder.input("x", TensorType.float32(2)));
    Node relu = builder.build().nodes().get(0);
    Shape two = Shape.of(2);
    Tensor right = Tensor.of(two, 1f, 2f);
    Agreement worst =
        Agreement.of(
            relu,
            List.of(right, right, right),
            List.of(right, Tensor.of(two, 1f, 2.5f), Tensor.of(two, 1f, 2f + 2e-7f)),
            Precision.FLOAT32,
            "");
    assertFalse(worst.agrees());
    assertEquals(0.5, worst.error());
    Tensor argmax = Tensor.of(two, 3, 4);
    assertFalse(
        Agreement.of(relu, List.of(argmax), List.of(Tensor.of(two, 3, 5)), Precision.FLOAT32, "")
            .agrees());
  }
}
