package dev.gridstride.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.op.Relu;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgramTest {
  private static final TensorType TYPE = TensorType.float32(2, 3);

  private static void assertFails(String message, Runnable action) {
    ProgramException error = assertThrows(ProgramException.class, action::run);
    assertEquals(message, error.getMessage());
  }

  @Test
  void readingBeforeWritingIsAnError() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TYPE);
    Value y = b.add("y", new Relu(), x);
    b.add("z", new Relu(), y);
    List<Node> nodes = b.build().nodes();
    assertFails(
        "program: z = Relu[](y) reads y unwritten",
        () -> Program.of(List.of(nodes.get(1), nodes.get(0)), List.of()));
  }

  @Test
  void writingTwiceIsAnError() {
    Program.Builder b = new Program.Builder();
    Value y = b.add("y", new Relu(), b.input("x", TYPE));
    Node node = b.build().nodes().get(0);
    assertFails("program: y is written twice", () -> Program.of(List.of(node, node), List.of(y)));
  }

  @Test
  void twoValuesOfOneNameAreAnError() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TYPE);
    Value y = b.add("y", new Relu(), x);
    Node other =
        new Node(new Relu(), List.of(x), List.of(Value.of("x", y.type(), y.role(), y.batched())));
    assertFails("program: two values are named x", () -> Program.of(List.of(other), List.of()));
  }

  @Test
  void anOutputThatNobodyWritesIsAnError() {
    Program.Builder b = new Program.Builder();
    Value y = b.add("y", new Relu(), b.input("x", TYPE));
    assertFails("program: output y is never written", () -> Program.of(List.of(), List.of(y)));
  }

  @Test
  void aPersistentNameMeansOneValue() {
    Program.Builder b = new Program.Builder();
    Value w = b.parameter("w", Shape.of(3));
    assertSame(w, b.parameter("w", Shape.of(3)));
    assertFails(
        "program: w is already PARAMETER float32[3], asked for as PARAMETER float32[4]",
        () -> b.parameter("w", Shape.of(4)));
    assertFails(
        "program: w is already PARAMETER float32[3], asked for as STATE float32[3]",
        () -> b.state("w", TensorType.float32(3)));
  }

  @Test
  void anInputNeedsSamples() {
    assertFails(
        "program: input x needs a dimension of samples, got float32[]",
        () -> new Program.Builder().input("x", TensorType.scalar(DataType.FLOAT32)));
  }

  @Test
  void namesAreMadeUnique() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TYPE);
    assertEquals("x_2", b.add("x", new Relu(), x).name());
    assertEquals("x_3", b.add("x", new Relu(), x).name());
  }

  @Test
  void updatesCheckTheirTargets() {
    Program.Builder b = new Program.Builder();
    Value count = b.state("count", TensorType.scalar(DataType.INT64));
    Value other = b.state("other", TensorType.scalar(DataType.INT32));
    assertFails(
        "increment: writes [int64[]], but its targets are [other: int32[]]",
        () -> b.update(new Increment(1), List.of(count), List.of(other)));
    Value x = b.input("x", TYPE);
    Value y = b.add("y", new Relu(), x);
    assertFails(
        "relu: target y: float32[2,3] is not persistent",
        () -> b.update(new Relu(), List.of(x), List.of(y)));
  }

  @Test
  void rowsAreSamplesOnlyWhereTheOpSaysSo() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TYPE);
    Value w = b.parameter("w", Shape.of(2, 3));
    assertTrue(b.add("y", new Matmul(false, true), x, w).batched());
    assertTrue(!b.add("dw", new Matmul(true, false), x, x).batched());
    assertTrue(!b.add("sum", new Add(), w, w).batched());
  }

  @Test
  void aProgramContinues() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("x", TYPE);
    Value y = b.add("y", new Relu(), x);
    b.output(y);
    Program.Builder more = new Program.Builder(b.build());
    assertSame(x, more.input("x", TYPE));
    Value z = more.add("y", new Relu(), y);
    more.output(z);
    Program program = more.build();
    assertEquals("y_2", z.name());
    assertEquals(List.of(y, z), program.outputs());
    assertEquals(program.nodes().get(0), program.producer(y));
    assertEquals(List.of(program.nodes().get(1)), program.consumers(y));
    assertEquals("y = Relu[](x)\ny_2 = Relu[](y)", program.toString());
  }

  @Test
  void flopsCountMultiplyAndAdd() {
    Program.Builder b = new Program.Builder();
    b.add("y", new Matmul(false, true), b.input("x", TYPE), b.parameter("w", Shape.of(5, 3)));
    assertEquals(2 * 2 * 5 * 3, b.build().flops());
  }

  @Test
  void tensorsCheckTheirSize() {
    assertFails(
        "tensor: float32[2,3] needs 6 elements, got 5",
        () -> Tensor.of(Shape.of(2, 3), 1f, 2, 3, 4, 5));
    assertFails("shape: every dimension must be at least 1, got [2, 0]", () -> Shape.of(2, 0));
    assertEquals(255, Tensor.of(Shape.of(1), (byte) -1).get(0));
  }
}
