package dev.gridstride.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.files.FileException;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ModelJsonTest {
  private static final Shape IMAGE = Shape.of(3, 16, 16);

  @TempDir Path folder;

  private Path file() {
    return folder.resolve("model.json");
  }

  /** A model with every layer and every option away from its default. */
  private static Model everything() {
    Conv2d conv =
        Conv2d.of(6, new Size2d(3, 2))
            .stride(new Size2d(1, 2))
            .padding(new Padding2d(0, 1, 2, 1))
            .dilation(new Size2d(2, 1))
            .groups(3)
            .relu()
            .initializer(Initializers.identity(3))
            .biasInitializer(Initializers.constant(0.1f))
            .penalty(1e-4f, 2e-4f);
    Residual block =
        Residual.of(Conv2d.of(8, 3).padding(1), BatchNorm.of().momentum(0.2f).epsilon(1e-3f))
            .shortcut(Conv2d.of(8, 1))
            .relu();
    return new Model(
        "everything",
        IMAGE,
        Sequential.of(conv, new Bias(Initializers.heUniform()), Conv2d.of(4, 1).samePadding())
            .add("entry", block)
            .add(new Residual(new Relu(), Sequential.of(), Activation.NONE))
            .add(Sequential.of(MaxPool2d.of(3).stride(2).padding(1), MaxPool2d.of(2).samePadding()))
            .add(AvgPool2d.of(2).countPadding(true))
            .add(new Dropout(0.25f))
            .add(new GlobalAvgPool2d())
            .add(new Flatten())
            .add(Dense.of(5).bias(false).initializer(Initializers.glorotNormal()).penalty(0, 1))
            .add(new Softmax()));
  }

  static Stream<Model> models() {
    return Stream.concat(
        Stream.of(everything(), Models.create("mlp", Shape.of(9), 5)),
        Models.names().stream()
            .map(name -> Models.create(name, IMAGE, 5, new Models.Options(true))));
  }

  private static SavedModel saved(Model model) {
    Preprocessing preprocessing =
        new Preprocessing(List.of(0.49f, 0.48f, 0.44f), List.of(0.2f, 0.21f, 0.22f));
    return new SavedModel(
        model,
        model.inputShape().rank() == 3 ? preprocessing : Preprocessing.NONE,
        List.of("plane", "car", "bird \"é\"", "cat", "deer"));
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyModelComesBack(Model model) {
    SavedModel saved = saved(model);
    ModelJson.write(file(), saved);
    SavedModel read = ModelJson.read(file());
    assertEquals(saved, read);
    assertEquals(model.initialWeights(3), read.model().initialWeights(3));
    assertEquals(model.summary(2), read.model().summary(2));
  }

  @Test
  void textIsReadable() throws IOException {
    ModelJson.write(file(), saved(Models.create("cifar10-cnn", IMAGE, 5)));
    String text = Files.readString(file());
    for (String part :
        List.of(
            "\"format\" : \"gridstride-model\"",
            "\"version\" : 1",
            "\"inputShape\" : [ 3, 16, 16 ]",
            "\"name\" : \"conv1\"",
            "\"type\" : \"Conv2d\"",
            "\"outChannels\" : 32",
            "\"kernel\" : [ 3, 3 ]",
            "\"activation\" : \"RELU\"",
            "\"initializer\" : \"glorot_uniform\"")) {
      assertTrue(text.contains(part), part + " not in " + text);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "gridstride-model | onnx | format: expected gridstride-model, got onnx",
        "\"version\" : 1 | \"version\" : 2 | version: expected 1, got 2",
        "\"Softmax\" | \"Sofmax\" | layers.layers[7].layer: ",
        "\"outChannels\" : 32 | \"outChannels\" : 0 | layers.layers[0].layer: Conv2d: outChannels must",
        "\"outChannels\" : 32 | \"outChannels\" : \"32\" | layers.layers[0].layer.outChannels: ",
        "\"outChannels\" : 32 | \"outChannels\" : 3.5 | layers.layers[0].layer.outChannels: ",
        "\"outChannels\" : 32, | `` | layers.layers[0].layer.outChannels: Missing creator property",
        "\"outChannels\" : 32 | \"channels\" : 32 | layers.layers[0].layer.outChannels: ",
        "glorot_uniform | glorot | layers.layers[0].layer.weightOptions.initializer: initializer:"
            + " unknown glorot",
        "\"outChannels\" : 32 | \"outChannels\" : 2147483647 | cifar10-cnn on samples [3,16,16]: conv1"
            + " (Conv2d 2147483647 3x3, ReLU): weight must have at most 2147483639 elements",
        "\"kernel\" : [ 3, 3 ] | \"kernel\" : [ 2147483647, 3 ] | layers.layers[0].layer.window:"
            + " layer: kernel",
        "\"conv2\" | \"conv1\" | layers: Sequential: every layer needs a name of its own",
        "\"RELU\" | \"TANH\" | layers.layers[0].layer.activation: ",
        "[ 3, 16, 16 ] | [ 3, 4, 4 ] | cifar10-cnn on samples [3,4,4]: conv2",
        "[ 3, 16, 16 ] | [ 3, -1, 4 ] | shape: every dimension",
        "[ 3, 16, 16 ] | null | inputShape: ",
        "\"cat\", | `` | cifar10-cnn: expected 5 class names, got 4",
        "\"mean\" : [ 0.49, | \"mean\" : [ | preprocessing: ",
        "\"layers\" | \"layers\" :: | line 1",
      })
  void corruptFilesAreExplained(String old, String now, String problem) throws IOException {
    ModelJson.write(file(), saved(Models.create("cifar10-cnn", IMAGE, 5)));
    String text = Files.readString(file());
    assertTrue(text.contains(old), old);
    int at = text.indexOf(old);
    Files.writeString(file(), text.substring(0, at) + now + text.substring(at + old.length()));
    FileException error = assertThrows(FileException.class, () -> ModelJson.read(file()));
    String expected = file() + " is not a valid model: " + problem;
    assertTrue(error.getMessage().startsWith(expected), error.getMessage());
  }

  @Test
  void everyTruncationIsNoticed() throws IOException {
    ModelJson.write(file(), saved(Models.create("mlp", IMAGE, 5)));
    String text = Files.readString(file()).strip();
    for (int length = 0; length < text.length(); length += 7) {
      Files.writeString(file(), text.substring(0, length));
      assertThrows(FileException.class, () -> ModelJson.read(file()));
    }
  }

  @Test
  void foreignLayersAndInitializersCannotBeSaved() {
    Layer foreign = (scope, x) -> x;
    Model layer = new Model("m", IMAGE, Sequential.of(foreign, new Flatten(), Dense.of(5)));
    FileException error =
        assertThrows(FileException.class, () -> ModelJson.write(file(), saved(layer)));
    assertTrue(error.getMessage().contains("layers.layers[0].layer"), error.getMessage());
    Initializer own = (shape, seed) -> new float[(int) shape.elements()];
    Model weight = new Model("m", IMAGE, Sequential.of(Dense.of(5).initializer(own)));
    error = assertThrows(FileException.class, () -> ModelJson.write(file(), saved(weight)));
    assertTrue(error.getMessage().contains("initializer: unknown"), error.getMessage());
    assertTrue(Files.notExists(file()));
  }

  @Test
  void missingFileAndMissingFolder() {
    assertThrows(FileException.class, () -> ModelJson.read(file()));
    Path nowhere = folder.resolve("no/model.json");
    FileException error =
        assertThrows(
            FileException.class,
            () -> ModelJson.write(nowhere, saved(Models.create("mlp", IMAGE, 5))));
    assertEquals("cannot write " + nowhere + ": no such file or folder", error.getMessage());
  }

  @Test
  void preprocessingMustFit() {
    assertThrows(ProgramException.class, () -> new Preprocessing(List.of(0f), List.of()));
    assertThrows(ProgramException.class, () -> new Preprocessing(List.of(0f), List.of(0f)));
    Model model = Models.create("mlp", IMAGE, 2);
    Preprocessing one = new Preprocessing(List.of(0f), List.of(1f));
    assertThrows(ProgramException.class, () -> new SavedModel(model, one, List.of("a", "b")));
  }
}
