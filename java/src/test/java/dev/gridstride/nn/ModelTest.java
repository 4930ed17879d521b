package dev.gridstride.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelTest {
  private static final Shape CIFAR = Shape.of(3, 32, 32);
  private static final Models.Options BATCH_NORM = new Models.Options(true);

  @Test
  void referenceNetIsTheArticles() {
    Model model = Models.create("cifar10-cnn", CIFAR, 10);
    assertEquals(
        List.of(
            "Conv2d 32 3x3, ReLU",
            "MaxPool2d 2x2",
            "Conv2d 64 3x3, ReLU",
            "MaxPool2d 2x2",
            "Flatten",
            "Dense 128, ReLU",
            "Dense 10",
            "Softmax"),
        model.layers().layers().stream().map(entry -> entry.layer().toString()).toList());
    assertEquals(
        List.of(
            "conv1.weight: float32[32,3,3,3]",
            "conv1.bias: float32[32]",
            "conv2.weight: float32[64,32,3,3]",
            "conv2.bias: float32[64]",
            "fc1.weight: float32[128,2304]",
            "fc1.bias: float32[128]",
            "fc2.weight: float32[10,128]",
            "fc2.bias: float32[10]"),
        model.parameters().stream().map(p -> p.value().toString()).toList());
    assertEquals(315_722, model.parameterCount());
    assertEquals(10, model.classes());
  }

  /**
   * By hand, a multiply-add as two: forward 2 * (900 * 27 * 32 + 169 * 288 * 64 + 2304 * 128 + 128
   * * 10); in training, all but conv1 three times and conv1, whose input needs no gradient, twice.
   */
  @Test
  void summaryCountsWhatTheDocumentationClaims() {
    Summary summary = Models.create("cifar10-cnn", CIFAR, 10).summary(64);
    long conv1 = 2L * 900 * 27 * 32;
    long rest = 2L * (169 * 288 * 64 + 2304 * 128 + 1280);
    assertEquals(conv1 + rest, summary.forwardFlops());
    assertEquals(2 * conv1 + 3 * rest, summary.trainingFlops());
    assertEquals(315_722, summary.parameters());
    assertEquals(0, summary.states());
    assertEquals(conv1, summary.rows().get(0).forwardFlops());
    assertEquals(896, summary.rows().get(0).parameters());
    assertEquals(Shape.of(64, 32, 30, 30), summary.rows().get(0).output());
    // The first map lives together with what its pooling makes: maxima and their places.
    long maps = 64L * 32 * (900 + 2 * 225) * 4;
    assertTrue(
        summary.plannedBytes() > maps && summary.plannedBytes() < 2 * maps, summary.toString());
    String text = summary.toString();
    for (String part : List.of("315,722", "23.6 forward and backward", "conv2", "[64,64,13,13]")) {
      assertTrue(text.contains(part), text);
    }
  }

  @Test
  void summaryOfResidualBlocksAndBatchNorm() {
    Summary summary = Models.create("resnet8", CIFAR, 10).summary(2);
    long sum = summary.rows().stream().mapToLong(Summary.Row::parameters).sum();
    long flops = summary.rows().stream().mapToLong(Summary.Row::forwardFlops).sum();
    assertEquals(summary.parameters(), sum);
    assertEquals(summary.forwardFlops(), flops);
    assertEquals(2 * (16 * 3 + 32 * 3 + 64 * 3), summary.states());
  }

  @Test
  void referenceNetFollowsTheDataSet() {
    assertEquals(
        "conv1.weight: float32[32,1,3,3]",
        Models.create("cifar10-cnn", Shape.of(1, 28, 28), 10)
            .parameters()
            .get(0)
            .value()
            .toString());
    assertEquals(100, Models.create("cifar10-cnn", CIFAR, 100).classes());
    assertEquals(3, Models.create("cifar10-cnn", Shape.of(3, 10, 10), 3).classes());
    assertEquals(2, Models.create("resnet8", Shape.of(1, 8, 8), 2).classes());
  }

  @Test
  void batchNormComesAfterEachConvolution() {
    Model model = Models.create("cifar10-cnn", CIFAR, 10, BATCH_NORM);
    assertEquals(
        List.of(
            "conv1",
            "bn1",
            "relu1",
            "pool1",
            "conv2",
            "bn2",
            "relu2",
            "pool2",
            "flatten1",
            "fc1",
            "fc2",
            "softmax1"),
        model.layers().layers().stream().map(Sequential.Entry::name).toList());
    assertEquals(315_722 + 96, model.parameterCount());
    assertEquals(
        List.of("bn1.running_mean", "bn1.running_var", "bn2.running_mean", "bn2.running_var"),
        model.parameters().stream().filter(p -> !p.trainable()).map(p -> p.name()).toList());
  }

  @Test
  void mlpIsTheArticlesDenseNet() {
    Model model = Models.create("mlp", CIFAR, 10);
    long expected = 3073L * 3000 + 3001L * 1000 + 1001L * 10;
    assertEquals(expected, model.parameterCount());
    assertEquals(4, Models.create("mlp", Shape.of(7), 4).classes());
  }

  @Test
  void badRequestsSayWhatIsKnownAndWhatWasGot() {
    assertMessage(
        "unknown model vgg; known: cifar10-cnn, mlp, resnet8",
        () -> Models.create("vgg", CIFAR, 10));
    assertMessage(
        "cifar10-cnn: expected at least 2 classes, got 1",
        () -> Models.create("cifar10-cnn", CIFAR, 1));
    assertMessage(
        "cifar10-cnn on samples [3,9,9]: pool2 (MaxPool2d 2x2): input 1x1 is smaller than the kernel"
            + " 2x2",
        () -> Models.create("cifar10-cnn", Shape.of(3, 9, 9), 10));
    assertMessage(
        "cifar10-cnn on samples [50]: conv1 (Conv2d 32 3x3, ReLU): input must be images [N,C,H,W],"
            + " got [1,50]",
        () -> Models.create("cifar10-cnn", Shape.of(50), 10));
    assertMessage(
        "m: the last layer must give [N,classes], got [1,3,32,32]",
        () -> new Model("m", CIFAR, Sequential.of(new Relu())));
  }

  @Test
  void inputOfAnotherShapeIsAnError() {
    Model model = Models.create("cifar10-cnn", CIFAR, 10);
    Program.Builder builder = new Program.Builder();
    Value input = builder.input("input", TensorType.float32(4, 3, 28, 28));
    assertMessage(
        "cifar10-cnn: input must be a batch of samples [3,32,32], got [4,3,28,28]",
        () -> model.build(Scope.inference(builder), input));
  }

  @Test
  void weightsMustFit() {
    Model model = Models.create("cifar10-cnn", CIFAR, 10);
    Map<String, Tensor> weights = model.initialWeights(1);
    model.requireFits(weights, "w");
    Map<String, Tensor> other = Models.create("cifar10-cnn", CIFAR, 100).initialWeights(1);
    assertMessage(
        "w.safetensors does not fit model cifar10-cnn: expected fc2.weight: float32[10,128], got"
            + " float32[100,128]",
        () -> model.requireFits(other, "w.safetensors"));
    weights.put("extra", weights.get("fc2.bias"));
    assertMessage(
        "w does not fit model cifar10-cnn: unknown tensors [extra]",
        () -> model.requireFits(weights, "w"));
    weights.remove("fc1.bias");
    assertMessage(
        "w does not fit model cifar10-cnn: expected fc1.bias: float32[128], got none",
        () -> model.requireFits(weights, "w"));
  }

  private static void assertMessage(String message, org.junit.jupiter.api.function.Executable e) {
    assertEquals(message, assertThrows(ProgramException.class, e).getMessage());
  }
}
