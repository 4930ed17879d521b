package dev.gridstride.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gridstride.program.Node;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.WeightPenalty;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LayersTest {
  private final Program.Builder builder = new Program.Builder();

  private Value input(int... dims) {
    return builder.input("x", TensorType.float32(dims));
  }

  private static Arguments shapes(Layer layer, Shape in, Shape out, String... parameters) {
    return Arguments.of(layer, in, out, List.of(parameters));
  }

  /** Shapes from the formulas in the layers' documentation, as PyTorch and Keras print them. */
  static Stream<Arguments> layers() {
    Shape image = Shape.of(2, 6, 9, 8);
    return Stream.of(
        shapes(Conv2d.of(4, 3), image, Shape.of(2, 4, 7, 6), "l1.weight [4,6,3,3]", "l1.bias [4]"),
        shapes(
            Conv2d.of(4, new Size2d(3, 2)).stride(2).padding(1).groups(2).bias(false).relu(),
            image,
            Shape.of(2, 4, 5, 5),
            "l1.weight [4,3,3,2]"),
        shapes(
            Conv2d.of(4, 3).stride(2).samePadding(),
            image,
            Shape.of(2, 4, 5, 4),
            "l1.weight [4,6,3,3]",
            "l1.bias [4]"),
        shapes(
            Conv2d.of(6, 3).dilation(2).groups(6),
            image,
            Shape.of(2, 6, 5, 4),
            "l1.weight [6,1,3,3]",
            "l1.bias [6]"),
        shapes(Dense.of(5), Shape.of(2, 7), Shape.of(2, 5), "l1.weight [5,7]", "l1.bias [5]"),
        shapes(Dense.of(5).bias(false).relu(), image, Shape.of(2, 5), "l1.weight [5,432]"),
        shapes(Bias.of(), image, image, "l1.bias [6]"),
        shapes(new Relu(), image, image),
        shapes(MaxPool2d.of(2), image, Shape.of(2, 6, 4, 4)),
        shapes(MaxPool2d.of(3).stride(2).padding(1), image, Shape.of(2, 6, 5, 4)),
        shapes(MaxPool2d.of(2).samePadding(), image, Shape.of(2, 6, 5, 4)),
        shapes(AvgPool2d.of(3).stride(1).samePadding(), image, image),
        shapes(new GlobalAvgPool2d(), image, Shape.of(2, 6)),
        shapes(new Flatten(), image, Shape.of(2, 432)),
        shapes(new Flatten(), Shape.of(2, 5), Shape.of(2, 5)),
        shapes(new Softmax(), Shape.of(2, 5), Shape.of(2, 5)),
        shapes(new Dropout(0.5f), image, image),
        shapes(
            BatchNorm.of(),
            image,
            image,
            "l1.weight [6]",
            "l1.bias [6]",
            "l1.running_mean [6]",
            "l1.running_var [6]"),
        shapes(
            Residual.of(Conv2d.of(6, 3).padding(1)),
            image,
            image,
            "l1.branch.conv1.weight [6,6,3,3]",
            "l1.branch.conv1.bias [6]"),
        shapes(Sequential.of(), image, image));
  }

  @ParameterizedTest
  @MethodSource("layers")
  void shapesAndParameters(Layer layer, Shape in, Shape out, List<String> parameters) {
    for (boolean training : new boolean[] {true, false}) {
      Program.Builder program = new Program.Builder();
      Scope scope = training ? Scope.training(program, 1) : Scope.inference(program);
      Value x = program.input("x", TensorType.float32(in.dims()));
      assertEquals(out, scope.apply("l1", layer, x).shape());
      assertEquals(
          parameters,
          scope.parameters().stream().map(p -> p.name() + " " + p.value().shape()).toList());
      assertEquals(
          parameters.size(), scope.parameters().stream().map(p -> p.name()).distinct().count());
    }
  }

  @Test
  void samePaddingPutsTheOddRowBelow() {
    Scope.inference(builder).apply("c", Conv2d.of(1, 3).stride(2).samePadding(), input(1, 1, 8, 9));
    var op = (dev.gridstride.program.op.Conv2d) builder.build().nodes().get(0).op();
    assertEquals(new Padding2d(0, 1, 1, 1), op.padding());
  }

  @Test
  void reluAndBiasAreFusedIntoTheOp() {
    Scope.inference(builder).apply("conv1", Conv2d.of(2, 1).relu(), input(1, 1, 4, 4));
    Node node = builder.build().nodes().get(0);
    assertEquals("conv1", node.output().name());
    assertEquals(3, node.inputs().size());
    assertEquals(1, builder.build().nodes().size());
  }

  private static Arguments bad(Layer layer, Shape in, String message) {
    return Arguments.of(layer, in, message);
  }

  static Stream<Arguments> misfits() {
    return Stream.of(
        bad(
            Conv2d.of(64, 3),
            Shape.of(1, 32, 2, 2),
            "l2 (Conv2d 64 3x3): input 2x2 is smaller than the kernel 3x3"),
        bad(
            Conv2d.of(64, 3).dilation(3).padding(1),
            Shape.of(1, 32, 2, 9),
            "l2 (Conv2d 64 3x3, dilation 3x3, padding 1): input 2x9, padded to 4x11, is smaller than"
                + " the kernel 3x3, dilated to 7x7"),
        bad(
            Conv2d.of(4, 3),
            Shape.of(1, 32),
            "l2 (Conv2d 4 3x3): input must be images [N,C,H,W], got [1,32]"),
        bad(
            Conv2d.of(4, 1).groups(4),
            Shape.of(1, 6, 5, 5),
            "l2 (Conv2d 4 1x1, groups 4): groups 4 must divide the input channels, got [1,6,5,5]"),
        bad(
            MaxPool2d.of(2),
            Shape.of(1, 6, 1, 5),
            "l2 (MaxPool2d 2x2): input 1x5 is smaller than the kernel 2x2"),
        bad(
            new Softmax(),
            Shape.of(1, 6, 1, 5),
            "l2 (Softmax): softmax: input must have 2 dimensions, got [1,6,1,5]"),
        bad(
            BatchNorm.of(),
            Shape.of(1, 6, 1),
            "l2 (BatchNorm): input must be [N,C] or [N,C,H,W], got [1,6,1]"),
        bad(
            Residual.of(Conv2d.of(8, 3).stride(2)),
            Shape.of(1, 6, 5, 5),
            "l2 (Residual): branch gives [1,8,2,2], shortcut gives [1,6,5,5]; give it a shortcut that"
                + " projects to the branch's shape"),
        bad(
            Residual.of(Conv2d.of(8, 7)),
            Shape.of(1, 6, 5, 5),
            "l2.branch.conv1 (Conv2d 8 7x7): input 5x5 is smaller than the kernel 7x7"));
  }

  @ParameterizedTest
  @MethodSource("misfits")
  void messagesNameTheLayerExpectedAndGot(Layer layer, Shape in, String message) {
    Value x = builder.input("x", TensorType.float32(in.dims()));
    Scope scope = Scope.training(builder, 0);
    ProgramException error =
        assertThrows(ProgramException.class, () -> scope.apply("l2", layer, x));
    assertEquals(message, error.getMessage());
  }

  @Test
  void impossibleOptionsAreErrors() {
    assertThrows(ProgramException.class, () -> Conv2d.of(0, 3));
    assertThrows(ProgramException.class, () -> Conv2d.of(4, 0));
    assertThrows(ProgramException.class, () -> Conv2d.of(4, 3).stride(0));
    assertThrows(ProgramException.class, () -> Conv2d.of(4, 3).padding(-1));
    assertThrows(ProgramException.class, () -> Conv2d.of(4, 3).groups(3));
    assertThrows(ProgramException.class, () -> Conv2d.of(4, 3).penalty(-1, 0));
    assertThrows(ProgramException.class, () -> Dense.of(0));
    assertThrows(ProgramException.class, () -> MaxPool2d.of(2).padding(2));
    assertThrows(ProgramException.class, () -> new Dropout(1));
    assertThrows(ProgramException.class, () -> new Dropout(Float.NaN));
    assertThrows(ProgramException.class, () -> BatchNorm.of().momentum(0));
    assertThrows(ProgramException.class, () -> BatchNorm.of().epsilon(0));
  }

  @Test
  void dropoutLayersHaveSeedsOfTheirOwn() {
    Sequential two = Sequential.of(new Dropout(0.5f), new Dropout(0.5f));
    Value x = input(2, 4);
    two.apply(Scope.training(builder, 9), x);
    List<Long> seeds =
        builder.build().nodes().stream()
            .map(node -> ((dev.gridstride.program.op.Dropout) node.op()).seed())
            .toList();
    assertEquals(2, seeds.size());
    assertNotEquals(seeds.get(0), seeds.get(1));
    assertEquals(Seeds.derive(9, "dropout1"), seeds.get(0));
    assertSame(x, two.apply(Scope.inference(builder), x));
  }

  @Test
  void batchNormUsesRunningAveragesOutsideTraining() {
    Sequential net = Sequential.of(BatchNorm.of().momentum(0.2f));
    net.apply(Scope.training(builder, 0), input(5, 3));
    List<String> training =
        builder.build().nodes().stream().map(node -> node.op().toString()).toList();
    assertEquals(
        List.of(
            "BatchNorm[epsilon=1.0E-5]",
            "MovingAverage[momentum=0.2, scale=1.0]",
            "MovingAverage[momentum=0.2, scale=1.25]"),
        training);
    Program.Builder other = new Program.Builder();
    net.apply(Scope.inference(other), other.input("x", TensorType.float32(5, 3)));
    assertEquals(
        List.of("x", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"),
        other.build().nodes().get(0).inputs().stream().map(Value::name).toList());
  }

  @Test
  void penaltiesAreAddedToTheLossOnDemand() {
    Sequential net = Sequential.of(Dense.of(2).penalty(0.1f, 0), Dense.of(3).penalty(0, 0.2f));
    Scope scope = Scope.training(builder, 0);
    net.apply(scope, input(2, 4));
    Value loss = builder.state("loss", TensorType.scalar(dev.gridstride.program.DataType.FLOAT32));
    assertNotEquals(loss, scope.addPenalties(loss));
    List<Node> penalties =
        builder.build().nodes().stream()
            .filter(node -> node.op() instanceof WeightPenalty)
            .toList();
    assertEquals(
        List.of(new WeightPenalty(0.1f, 0), new WeightPenalty(0, 0.2f)),
        penalties.stream().map(Node::op).toList());
    assertEquals("fc2.weight", penalties.get(1).input(0).name());
    Scope without = Scope.training(new Program.Builder(), 0);
    assertSame(loss, without.addPenalties(loss));
  }

  @Test
  void sequentialNamesLayersAsPyTorchUsersDo() {
    Sequential net =
        Sequential.of(Conv2d.of(4, 3), BatchNorm.of(), new Relu(), Conv2d.of(4, 3))
            .add("conv4", Conv2d.of(4, 1))
            .add(Conv2d.of(4, 1))
            .add(Conv2d.of(4, 1))
            .add((scope, x) -> x);
    assertEquals(
        List.of("conv1", "bn1", "relu1", "conv2", "conv4", "conv3", "conv5", "layer1"),
        net.layers().stream().map(Sequential.Entry::name).toList());
    assertThrows(ProgramException.class, () -> net.add("conv1", new Relu()));
    assertThrows(ProgramException.class, () -> net.add("a.b", new Relu()));
    assertThrows(ProgramException.class, () -> net.add("1a", new Relu()));
  }
}
