package dev.gridstride.program.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Shapes that do not fit give a message with op, argument, expected and got. */
class ShapeRulesTest {
  private static final TensorType SCORES = f(4, 3);
  private static final TensorType SCALAR = TensorType.scalar(DataType.FLOAT32);
  private static final TensorType COUNT = TensorType.scalar(DataType.INT64);

  private static TensorType f(int... dims) {
    return TensorType.float32(dims);
  }

  private static TensorType ints(int... dims) {
    return new TensorType(DataType.INT32, Shape.of(dims));
  }

  private static TensorType halves(int... dims) {
    return new TensorType(DataType.BFLOAT16, Shape.of(dims));
  }

  private static Arguments bad(String message, Op op, TensorType... inputs) {
    return Arguments.of(message, op, List.of(inputs));
  }

  private static Conv2d conv(int groups) {
    return new Conv2d(Size2d.of(1), Padding2d.NONE, Size2d.of(1), groups, false);
  }

  static Stream<Arguments> badInputs() {
    TensorType image = f(8, 3, 32, 32);
    String labels = ": labels must be int32[4] or float32[4,3], got ";
    return Stream.of(
        bad("conv2d: expected 2 to 3 inputs, got 1", Conv2d.PLAIN, image),
        bad(
            "conv2d: input must have 4 dimensions, got [8,3]",
            Conv2d.PLAIN,
            f(8, 3),
            f(16, 3, 3, 3)),
        bad(
            "conv2d: weight must be FLOAT32 or BFLOAT16, got int32[16,3,3,3]",
            Conv2d.PLAIN,
            image,
            ints(16, 3, 3, 3)),
        bad(
            "conv2d: input and weight must be of one type,"
                + " got float32[8,3,32,32] and bfloat16[16,3,3,3]",
            Conv2d.PLAIN,
            image,
            halves(16, 3, 3, 3)),
        bad(
            "conv2d_backward_weights: gradOutput must be bfloat16[8,16,30,30],"
                + " got bfloat16[8,16,9,9]",
            new Conv2dBackwardWeights(Conv2d.PLAIN, Shape.of(16, 3, 3, 3), true),
            halves(8, 3, 32, 32),
            halves(8, 16, 9, 9)),
        bad(
            "dense_backward_data: gradOutput and weight must be of one type,"
                + " got bfloat16[4,3] and float32[3,7]",
            new DenseBackwardData(Shape.of(4, 7)),
            halves(4, 3),
            f(3, 7)),
        bad("cast: input must be FLOAT32, got int32[4]", new Cast(DataType.BFLOAT16), ints(4)),
        bad("cast: input must be BFLOAT16, got float32[4]", new Cast(DataType.FLOAT32), f(4)),
        bad("relu: input must be FLOAT32, got bfloat16[4]", new Relu(), halves(4)),
        bad(
            "conv2d: input channels 3 != weight channels 4 (input [8,3,32,32], weight [16,4,3,3])",
            Conv2d.PLAIN,
            image,
            f(16, 4, 3, 3)),
        bad(
            "conv2d: groups 2 must divide input and output channels"
                + " (input [8,3,32,32], weight [16,3,3,3])",
            conv(2),
            image,
            f(16, 3, 3, 3)),
        bad(
            "conv2d: bias must be float32[16], got float32[8]",
            Conv2d.PLAIN,
            image,
            f(16, 3, 3, 3),
            f(8)),
        bad(
            "conv2d: kernel 5x5 with dilation 1x1 is larger than the padded input 4x4"
                + " with padding 0",
            Conv2d.PLAIN,
            f(1, 3, 4, 4),
            f(2, 3, 5, 5)),
        bad(
            "conv2d_backward_data: gradOutput must be float32[8,16,30,30], got float32[8,16,32,32]",
            new Conv2dBackwardData(Conv2d.PLAIN, Shape.of(8, 3, 32, 32)),
            f(8, 16, 32, 32),
            f(16, 3, 3, 3)),
        bad(
            "dense: input features 6 != weight columns 5 (input [4,2,3], weight [7,5])",
            new Dense(false),
            f(4, 2, 3),
            f(7, 5)),
        bad(
            "dense: input must have at least 2 dimensions, got [4]",
            new Dense(false),
            f(4),
            f(7, 4)),
        bad(
            "matmul: inner dimensions differ: 3 and 4 (a [2,3], b [5,4] transposed)",
            new Matmul(false, true),
            f(2, 3),
            f(5, 4)),
        bad("max_pool2d: input must have 4 dimensions, got [4,3]", pool(), SCORES),
        bad(
            "max_pool2d: kernel 2x2 with dilation 1x1 is larger than the padded input 1x5"
                + " with padding 0",
            pool(),
            f(1, 1, 1, 5)),
        bad("bias_add: bias must be float32[3], got float32[4]", new BiasAdd(), SCORES, f(4)),
        bad("add: b must be float32[4,3], got float32[3,4]", new Add(), SCORES, f(3, 4)),
        bad("relu: input must be FLOAT32, got int32[4]", new Relu(), ints(4)),
        bad("reshape: cannot view [4,3] as [3,4]", new Reshape(Shape.of(3, 4)), SCORES),
        bad("softmax: input must have 2 dimensions, got [4]", new Softmax(), f(4)),
        bad("cross_entropy" + labels + "int32[3]", new CrossEntropy(0), SCORES, ints(3)),
        bad(
            "softmax_cross_entropy" + labels + "float32[4,2]",
            new SoftmaxCrossEntropy(0),
            SCORES,
            f(4, 2)),
        bad(
            "mean_squared_error: targets must be float32[4,3], got float32[4]",
            new MeanSquaredError(),
            SCORES,
            f(4)),
        bad(
            "batch_norm: input must be [N,C] or [N,C,H,W], got [4,3,2]",
            new BatchNorm(1e-3f),
            f(4, 3, 2),
            f(3),
            f(3)),
        bad(
            "batch_norm: beta must be float32[3], got float32[4]",
            new BatchNorm(1e-3f),
            SCORES,
            f(3),
            f(4)),
        bad("hits: k must be from 1 to the 3 classes, got 4", new Hits(4), SCORES, ints(4)),
        bad(
            "confusion_counts: counts must be int64[3,3], got float32[3,3]",
            new ConfusionCounts(),
            f(3, 3),
            SCORES,
            ints(4)),
        bad("dropout: step must be int64[], got float32[]", new Dropout(0, 1), SCORES, SCALAR),
        bad(
            "accumulate: sum must be FLOAT64 or INT64, got float32[]",
            new Accumulate(1),
            SCALAR,
            SCALAR),
        bad(
            "accumulate: a real value needs a sum of FLOAT64, got sum int64[], value float32[]",
            new Accumulate(1),
            COUNT,
            SCALAR),
        bad(
            "adam: gradient must be float32[4,3], got float32[3]",
            new Adam(0.9f, 0.999f, 1e-7f, 0),
            SCORES,
            f(3),
            SCORES,
            SCORES,
            COUNT,
            SCALAR),
        bad(
            "sgd: velocity must be float32[4,3], got float32[3]",
            new Sgd(0, false, 0),
            SCORES,
            SCORES,
            f(3),
            SCALAR),
        bad(
            "fetch_batch: samples and labels must be as many, got float32[4,3] and int32[5]",
            fetch(Augmentation.Flip.NONE, 0),
            SCORES,
            ints(5),
            COUNT),
        bad(
            "fetch_batch: flip, shift and cutout need images [n, c, h, w], got [4,3]",
            fetch(Augmentation.Flip.RANDOM, 0),
            SCORES,
            ints(4),
            COUNT),
        bad(
            "fetch_batch: shift must be below the image's side 5, got 5",
            fetch(Augmentation.Flip.NONE, 5),
            f(4, 3, 7, 5),
            ints(4),
            COUNT));
  }

  private static Op pool() {
    return new MaxPool2d(Pool2d.of(2));
  }

  private static Op fetch(Augmentation.Flip flip, int shift) {
    return new FetchBatch(2, true, 1, new Augmentation(List.of(), List.of(), flip, shift, 0));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badInputs")
  void badInputsAreErrors(String message, Op op, List<TensorType> inputs) {
    ProgramException error = assertThrows(ProgramException.class, () -> op.outputTypes(inputs));
    assertEquals(message, error.getMessage());
  }

  @Test
  void badAttributesAreErrors() {
    assertMessage("conv2d: stride must be at least 1, got 0x1", () -> stride(new Size2d(0, 1)));
    assertMessage(
        "cast: to must be FLOAT32 or BFLOAT16, got INT32", () -> new Cast(DataType.INT32));
    assertMessage("conv2d: groups must be at least 1, got 0", () -> conv(0));
    assertMessage(
        "pool2d: padding must be at least 0 and below the kernel 2x2, got 2",
        () -> new Pool2d(Size2d.of(2), Size2d.of(2), Padding2d.of(2)));
    assertMessage(
        "adam: betas must be in [0, 1), got 1.0 and 0.9", () -> new Adam(1, 0.9f, 1e-7f, 0));
    assertMessage("adam: epsilon must be positive, got NaN", () -> new Adam(0, 0, Float.NaN, 0));
    assertMessage("sgd: nesterov needs a momentum above 0", () -> new Sgd(0, true, 0));
    assertMessage("dropout: rate must be in [0, 1), got 1.0", () -> new Dropout(1, 0));
    assertMessage(
        "cross_entropy: labelSmoothing must be in [0, 1), got -0.1", () -> new CrossEntropy(-0.1f));
    assertMessage(
        "augmentation: std must be positive, got [0.0]",
        () -> new Augmentation(List.of(0f), List.of(0f), Augmentation.Flip.NONE, 0, 0));
  }

  private static Conv2d stride(Size2d stride) {
    return new Conv2d(stride, Padding2d.NONE, Size2d.of(1), 1, false);
  }

  private static void assertMessage(String message, Runnable action) {
    ProgramException error = assertThrows(ProgramException.class, action::run);
    assertEquals(message, error.getMessage());
  }

  @Test
  void productsOfBfloat16AreFloat32() {
    TensorType w = halves(16, 3, 3, 3);
    assertEquals(
        List.of(f(8, 16, 30, 30)),
        Conv2d.PLAIN.outputTypes(List.of(halves(8, 3, 32, 32), w, f(16))));
    assertEquals(
        List.of(f(8, 3, 32, 32)),
        new Conv2dBackwardData(Conv2d.PLAIN, Shape.of(8, 3, 32, 32))
            .outputTypes(List.of(halves(8, 16, 30, 30), w)));
    assertEquals(
        List.of(f(3, 7), f(3)),
        new DenseBackwardWeights(true).outputTypes(List.of(halves(4, 7), halves(4, 3))));
    assertEquals(
        List.of(f(2, 5)), new Matmul(false, true).outputTypes(List.of(halves(2, 3), halves(5, 3))));
  }

  @Test
  void outputSizesFollowTheFormula() {
    Conv2d conv =
        new Conv2d(new Size2d(2, 3), new Padding2d(1, 0, 2, 4), new Size2d(2, 1), 1, false);
    // P = floor((9 + 3 - 5) / 2) + 1 = 4, Q = floor((10 + 4 - 2) / 3) + 1 = 5
    assertEquals(List.of(f(1, 6, 4, 5)), conv.outputTypes(List.of(f(1, 2, 9, 10), f(6, 2, 3, 2))));
    // P = floor((7 - 3) / 2) + 1 = 3
    Pool2d pool = new Pool2d(Size2d.of(3), Size2d.of(2), Padding2d.NONE);
    assertEquals(
        List.of(f(1, 2, 3, 3), ints(1, 2, 3, 3)),
        new MaxPool2d(pool).outputTypes(List.of(f(1, 2, 7, 8))));
  }
}
