package dev.gridstride.program.pass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.Pool2d;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.WeightPenalty;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fuse, TrimConv and SinkRelu: what they rewrite, and that the numbers stay. */
class RewritesTest {
  private static final Pool2d TWO = Pool2d.of(2);
  private static final Pool2d OVERLAPPING = new Pool2d(Size2d.of(3), Size2d.of(2), Padding2d.NONE);

  private final Program.Builder b = new Program.Builder();

  private Value conv(Value x, int out, Padding2d padding, int stride) {
    Conv2d op = new Conv2d(Size2d.of(stride), padding, Size2d.of(1), 1, false);
    int number = b.build().nodes().size();
    Value w = b.parameter("w" + number, Shape.of(out, x.shape().dim(1), 3, 3));
    Value y = b.add("conv", op, x, w);
    return b.add("biased", new BiasAdd(), y, b.parameter("b" + number, Shape.of(out)));
  }

  private Value relu(Value x) {
    return b.add("relu", new Relu(), x);
  }

  private List<Value> pool(Value x, Pool2d window) {
    return b.addAll("pool", new MaxPool2d(window), List.of(x));
  }

  private Value fetched(int height, int width) {
    Shape samples = Shape.of(5, 2, height, width);
    return b.addAll(
            "x",
            new FetchBatch(3, true, 1, Augmentation.NONE),
            List.of(
                b.data("samples", new TensorType(DataType.FLOAT32, samples)),
                b.data("labels", new TensorType(DataType.INT32, Shape.of(5))),
                b.state("cursor", TensorType.scalar(DataType.INT64))))
        .get(0);
  }

  private static List<String> ops(Program program) {
    return program.nodes().stream().map(node -> node.op().name()).toList();
  }

  /** The program with the loss {@code sum of value^2 / 2} and all its parameters' gradients. */
  private static Program trained(Program forward, Value value, Map<Value, Value> gradients) {
    Program.Builder builder = new Program.Builder(forward);
    Value loss = builder.add("loss", new WeightPenalty(0, 0.5f), value);
    List<Value> parameters =
        forward.values().stream().filter(v -> v.role() == Role.PARAMETER).toList();
    gradients.putAll(Differentiate.append(builder, loss, parameters));
    builder.output(loss);
    gradients.values().forEach(builder::output);
    return builder.build();
  }

  /** Both programs' outputs are the same, and the gradients of all parameters too. */
  private static void assertSameNumbers(
      Program plain, Program rewritten, Value end, UnaryOperator<Program> afterwards) {
    assertEquals(Evaluation.of(plain), Evaluation.of(rewritten));
    assertEquals(
        gradients(plain, end, UnaryOperator.identity()), gradients(rewritten, end, afterwards));
  }

  /** Gradients by the name of the parameter; those of fused ops are named otherwise. */
  private static Map<String, Tensor> gradients(
      Program forward, Value end, UnaryOperator<Program> afterwards) {
    Map<Value, Value> byParameter = new HashMap<>();
    Program trained = trained(forward, end, byParameter);
    Map<String, Tensor> results = Evaluation.of(afterwards.apply(trained));
    Map<String, Tensor> named = new TreeMap<>();
    byParameter.forEach((w, gradient) -> named.put(w.name(), results.get(gradient.name())));
    return named;
  }

  @Test
  void fuseMergesBiasReluAndFlatten() {
    Value map = relu(conv(b.input("x", TensorType.float32(3, 2, 5, 6)), 3, Padding2d.of(1), 1));
    Value flat = b.add("flat", new Reshape(Shape.of(3, 90)), map);
    Value dense = b.add("dense", new Dense(false), flat, b.parameter("w", Shape.of(4, 90)));
    Value y = relu(b.add("dense", new BiasAdd(), dense, b.parameter("b", Shape.of(4))));
    b.output(y);
    Program plain = b.build();
    Program fused = Fuse.apply(plain);
    assertEquals(List.of("conv2d", "dense"), ops(fused));
    assertEquals(new Dense(true), fused.nodes().get(1).op());
    assertSame(y, fused.outputs().get(0));
    assertSameNumbers(plain, fused, y, UnaryOperator.identity());
  }

  @Test
  void fuseLeavesValuesThatOthersRead() {
    Value x = b.input("x", TensorType.float32(3, 4));
    Value dense = b.add("dense", new Dense(false), x, b.parameter("w", Shape.of(5, 4)));
    Value biased = b.add("biased", new BiasAdd(), dense, b.parameter("b", Shape.of(5)));
    Value y = relu(biased);
    b.output(dense);
    b.output(biased);
    b.output(y);
    Program plain = b.build();
    assertEquals(ops(plain), ops(Fuse.apply(plain)));
  }

  @Test
  void fuseKeepsAReluBeforeABias() {
    Value x = b.input("x", TensorType.float32(3, 4));
    Value dense = relu(b.add("dense", new Dense(false), x, b.parameter("w", Shape.of(5, 4))));
    Value y = b.add("biased", new BiasAdd(), dense, b.parameter("b", Shape.of(5)));
    b.output(y);
    Program plain = b.build();
    Program fused = Fuse.apply(plain);
    assertEquals(List.of("dense", "bias_add"), ops(fused));
    assertSameNumbers(plain, fused, y, UnaryOperator.identity());
  }

  /** Equal but for the last digits of a double, which a float shows as a unit at most. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void fuseMergesSoftmaxAndCrossEntropy(boolean probabilitiesRead) {
    Value x = b.parameter("x", Shape.of(3, 4));
    Value labels = b.input("labels", new TensorType(DataType.INT32, Shape.of(3)));
    Value p = b.add("p", new Softmax(), x);
    Value loss = b.add("loss", new CrossEntropy(0.1f), p, labels);
    b.output(loss);
    if (probabilitiesRead) {
      b.output(b.add("y", new Relu(), p));
    }
    Program plain = b.build();
    Program fused = Fuse.apply(plain);
    assertEquals("softmax_cross_entropy", fused.nodes().get(0).op().name());
    assertEquals(probabilitiesRead ? 2 : 1, fused.nodes().size());
    List<Map<String, Tensor>> results = new ArrayList<>();
    for (Program program : List.of(plain, fused)) {
      Program.Builder builder = new Program.Builder(program);
      builder.output(Differentiate.append(builder, loss, List.of(x)).get(x));
      results.add(Evaluation.of(builder.build()));
    }
    assertEquals(results.get(0).keySet(), results.get(1).keySet());
    results.get(0).forEach((name, tensor) -> assertClose(tensor, results.get(1).get(name)));
  }

  private static void assertClose(Tensor expected, Tensor got) {
    for (int i = 0; i < expected.shape().elements(); i++) {
      assertEquals(expected.get(i), got.get(i), Math.ulp((float) expected.get(i)));
    }
  }

  @Test
  void trimFollowsPoolingBackToTheBatch() {
    Value map = pool(relu(conv(fetched(17, 16), 3, Padding2d.NONE, 1)), TWO).get(0);
    Value y = pool(relu(conv(map, 4, Padding2d.NONE, 1)), TWO).get(0);
    b.output(y);
    Program plain = Fuse.apply(b.build());
    Program trimmed = TrimConv.apply(plain);
    // Rows: 17 - 2 = 15, / 2 = 7, - 2 = 5, / 2 = 2, which needs 4, 6, 12, 14 of 17. Columns: 16 - 2
    // = 14, / 2 = 7, and so on: 14 of 16.
    FetchBatch fetch = (FetchBatch) trimmed.nodes().get(0).op();
    assertEquals(new Size2d(3, 2), fetch.trim());
    assertSameNumbers(plain, trimmed, y, SinkRelu::apply);
  }

  @ParameterizedTest
  @ValueSource(ints = {7, 8, 9, 10, 11, 12})
  void trimKeepsTheNumbersForEverySize(int size) {
    for (int stride = 1; stride <= 2; stride++) {
      for (Padding2d padding :
          List.of(Padding2d.NONE, Padding2d.of(1), new Padding2d(1, 0, 2, 2))) {
        for (Pool2d window : List.of(TWO, OVERLAPPING)) {
          RewritesTest net = new RewritesTest();
          Value map = net.relu(net.conv(net.fetched(size, size + 1), 3, padding, stride));
          if (Math.min(map.shape().dim(2), map.shape().dim(3)) < 3) {
            continue;
          }
          Value y = net.pool(map, window).get(0);
          net.b.output(y);
          Program plain = net.b.build();
          assertSameNumbers(plain, TrimConv.apply(plain), y, SinkRelu::apply);
          Program fused = Fuse.apply(plain);
          assertSameNumbers(plain, TrimConv.apply(fused), y, SinkRelu::apply);
        }
      }
    }
  }

  @Test
  void trimLeavesAMapThatSomebodyElseReads() {
    Value map = conv(fetched(8, 8), 3, Padding2d.of(1), 1);
    Value read = relu(map);
    b.output(pool(read, OVERLAPPING).get(0));
    b.output(read);
    Program plain = b.build();
    assertEquals(plain.nodes(), TrimConv.apply(plain).nodes());
  }

  /** The places in a narrower image would be other numbers. */
  @Test
  void trimLeavesAnArgmaxThatIsRead() {
    List<Value> pooled = pool(conv(fetched(9, 9), 3, Padding2d.NONE, 1), TWO);
    b.output(pooled.get(0));
    b.output(pooled.get(1));
    Program plain = b.build();
    Program trimmed = TrimConv.apply(plain);
    assertEquals(Evaluation.of(plain), Evaluation.of(trimmed));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sinkMovesReluBelowPooling(boolean overlapping) {
    Value map = relu(conv(fetched(8, 8), 3, Padding2d.NONE, 1));
    Value y = pool(map, overlapping ? OVERLAPPING : TWO).get(0);
    b.output(y);
    Program trained = trained(b.build(), y, new HashMap<>());
    Program sunk = SinkRelu.apply(trained);
    Set<Shape> masks =
        sunk.nodes().stream()
            .filter(node -> node.op().name().equals("relu_backward"))
            .map(Node::output)
            .map(Value::shape)
            .collect(Collectors.toSet());
    assertEquals(Set.of(y.shape()), masks);
    assertEquals(trained.nodes().size(), sunk.nodes().size());
    assertEquals(Evaluation.of(trained), Evaluation.of(sunk));
  }

  @Test
  void sinkLeavesAReluWithTwoReaders() {
    Value map = relu(conv(fetched(8, 8), 3, Padding2d.NONE, 1));
    Value pooled = pool(map, TWO).get(0);
    Value other =
        b.add(
            "other",
            new Conv2d(Size2d.of(2), Padding2d.NONE, Size2d.of(1), 1, false),
            map,
            b.parameter("v", Shape.of(3, 3, 2, 2)));
    Value y = b.add("sum", new dev.gridstride.program.op.Add(), pooled, other);
    b.output(y);
    Program trained = trained(b.build(), y, new HashMap<>());
    assertEquals(trained.nodes(), SinkRelu.apply(trained).nodes());
  }
}
