package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TrainCommandTest {
  @TempDir private Path folder;
  private Path data;
  private Path out;

  @BeforeEach
  void writeData() throws IOException {
    data = Cli.writeData(folder.resolve("data"));
    out = folder.resolve("out");
  }

  static Stream<String> devices() {
    return Backends.all().stream()
        .filter(backend -> backend.unavailableReason() == null)
        .map(Backend::name);
  }

  /** Those whose states are float32, as files are. */
  static Stream<String> exactDevices() {
    return devices().filter(name -> !name.equals("reference"));
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(Files.readString(file));
  }

  @ParameterizedTest
  @MethodSource("devices")
  void trainsTestsAndSaves(String device) throws IOException {
    Path json = folder.resolve("deep/run.json");
    Cli.train(device, data, out, "--epochs", "2", "--json", "" + json)
        .expect(0)
        .says("device: ")
        .says("data set: ")
        .says("parameters; recipe article, batch 5, seed 1, 12 training images")
        .says("epoch 2/2  ")
        .says("macro average")
        .says("test: 6 images, loss ")
        .says("saved: " + out.resolve("model.safetensors"));
    for (String name :
        List.of("model.safetensors", "model.json", "history.csv", "checkpoint/checkpoint.json")) {
      assertTrue(Files.isRegularFile(out.resolve(name)), name);
    }
    assertEquals(3, Files.readAllLines(out.resolve("history.csv")).size());

    JsonNode root = json(json);
    assertEquals("npy", root.path("dataset").asText().replaceFirst(".*npy.*", "npy"));
    assertEquals("cifar10-cnn", root.path("model").asText());
    assertTrue(root.path("parameters").asInt() > 0);
    assertEquals(1, root.path("seed").asInt());
    assertEquals(5, root.path("batch").asInt());
    assertEquals(2, root.path("threads").asInt());
    assertEquals("article", root.path("recipe").asText());
    assertTrue(root.path("device").isTextual());
    assertTrue(root.path("first_step_seconds").asDouble() > 0);
    assertEquals("finished", root.path("stop_reason").asText());
    assertEquals(2, root.path("epochs").size());
    for (String field :
        List.of(
            "epoch",
            "seconds",
            "images_per_second",
            "loss",
            "accuracy",
            "val_loss",
            "val_accuracy")) {
      assertTrue(root.path("epochs").path(1).path(field).isNumber(), field);
    }
    assertEquals(2, root.path("epochs").path(1).path("epoch").asInt());
    JsonNode test = root.path("test");
    assertTrue(test.path("loss").isNumber() && test.path("accuracy").isNumber());
    assertEquals(
        root.path("epochs").path(1).path("val_loss").asDouble(), test.path("loss").asDouble());
    assertEquals(Cli.CLASSES, test.path("per_class").size());
    for (String field : List.of("precision", "recall", "f1")) {
      assertTrue(test.path("per_class").path(0).path(field).isNumber(), field);
    }
    assertEquals(Cli.CLASSES, test.path("confusion_matrix").size());
    int sum = 0;
    for (JsonNode row : test.path("confusion_matrix")) {
      for (JsonNode count : row) {
        sum += count.asInt();
      }
    }
    assertEquals(Cli.TEST, sum);
  }

  @ParameterizedTest
  @MethodSource("exactDevices")
  void resumingGivesTheSameBytes(String device) throws IOException {
    Path parts = folder.resolve("parts");
    Cli.train(device, data, out, "--epochs", "3").expect(0);
    Cli.train(device, data, parts, "--epochs", "1", "--steps-per-launch", "2").expect(0);
    Path json = folder.resolve("resumed.json");
    assertEquals(
        "2",
        json(parts.resolve("checkpoint/checkpoint.json"))
            .path("settings")
            .path("steps_per_launch")
            .asText());
    Cli resumed =
        Cli.run(
            "train",
            "--device",
            device,
            "--resume",
            "" + parts,
            "--epochs",
            "3",
            "--json",
            "" + json);
    assertEquals(2, json(json).path("steps_per_launch").asInt());
    resumed.expect(0).says("epoch 2/3").says("epoch 3/3");
    assertFalse(resumed.out().contains("epoch 1/3"));
    assertArrayEquals(
        Files.readAllBytes(out.resolve("model.safetensors")),
        Files.readAllBytes(parts.resolve("model.safetensors")));
    assertEquals(4, Files.readAllLines(parts.resolve("history.csv")).size());
    Cli.run("train", "--device", device, "--resume", "" + parts)
        .expect(0)
        .says("nothing left to train: 3 of 3 epochs are done");
  }

  @ParameterizedTest
  @MethodSource("devices")
  void theTunedRecipeTrainsWithNormalisation(String device) throws IOException {
    Cli.train(device, data, out, "--epochs", "2", "--recipe", "tuned").expect(0);
    assertEquals(1, json(out.resolve("model.json")).path("preprocessing").path("mean").size());
    String log = Files.readAllLines(out.resolve("history.csv")).get(2);
    double lastRate = Double.parseDouble(log.substring(log.lastIndexOf(',') + 1));
    assertTrue(lastRate > 0 && lastRate < 0.001, log);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void evaluateGivesTheTestsNumbersAgain(String device) throws IOException {
    Path json = folder.resolve("a.json");
    Cli.train(device, data, out, "--epochs", "1", "--recipe", "tuned", "--json", "" + json)
        .expect(0);
    Path again = folder.resolve("b.json");
    Cli.run("evaluate", "--device", device, "--model-dir", "" + out, "--json", "" + again)
        .expect(0)
        .says("test: 6 images");
    double expected = json(json).path("test").path("loss").asDouble();
    assertEquals(expected, json(again).path("test").path("loss").asDouble(), 1e-5);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void predictNamesTheTopClasses(String device) throws IOException {
    Cli.train(device, data, out, "--epochs", "1").expect(0);
    Path images = Files.createDirectories(folder.resolve("images"));
    for (String name : List.of("a.png", "b.png")) {
      BufferedImage image = new BufferedImage(20, 14, BufferedImage.TYPE_INT_RGB);
      ImageIO.write(image, "png", images.resolve(name).toFile());
    }
    Path json = folder.resolve("predictions.json");
    Cli.run(
            "predict",
            "--device",
            device,
            "--model-dir",
            "" + out,
            "--top",
            "2",
            "--json",
            "" + json,
            "" + images)
        .expect(0)
        .says("a.png: ")
        .says("b.png: ");
    JsonNode top = json(json).path("predictions").path(0).path("top");
    assertEquals(2, top.size());
    assertTrue(
        top.path(0).path("probability").asDouble() >= top.path(1).path("probability").asDouble());

    Files.write(images.resolve("c.png"), new byte[] {1, 2, 3});
    Cli.run("predict", "--device", device, "--model-dir", "" + out, "" + images)
        .expect(1)
        .says("b.png: ")
        .complains("c.png");
  }

  @Test
  void validationSplitAndPatienceKeepTheBest() {
    Cli.train(
            "reference",
            data,
            out,
            "--epochs",
            "12",
            "--validation-split",
            "0.3",
            "--patience",
            "1",
            "--learning-rate",
            "1e-30")
        .expect(0)
        .says("8 training images")
        .says("early stopping: val_loss has not improved");
    assertTrue(Files.isRegularFile(out.resolve("best.safetensors")));
  }

  @Test
  void limitAndLargeBatchAreSaid() {
    Cli.train("reference", data, out, "--epochs", "1", "--limit", "3")
        .expect(0)
        .says("3 training images")
        .says("note: batch 5 is larger than the data set: every epoch is one step of 3");
  }

  @ParameterizedTest
  @MethodSource("exactDevices")
  void aDivergedRunFailsAndKeepsTheLastCheckpoint(String device) throws IOException {
    Path json = folder.resolve("run.json");
    Cli.train(device, data, out, "--epochs", "1").expect(0);
    byte[] model = Files.readAllBytes(out.resolve("model.safetensors"));
    Cli.train(device, data, out, "--epochs", "3", "--learning-rate", "1e39", "--json", "" + json)
        .expect(1)
        .complains("the loss became NaN or infinite at step 1 (epoch 1), learning rate Infinity")
        .complains("conv1.weight")
        .complains("the last good checkpoint is kept: " + out.resolve("checkpoint"))
        .complains("try a lower --learning-rate");
    assertArrayEquals(model, Files.readAllBytes(out.resolve("model.safetensors")));
    assertTrue(json(json).path("error").asText().contains("NaN"));
  }

  @Test
  void aDeviceThatFailsSaysWhatFailedAndHowToGoOn() throws IOException {
    Simulated.require();
    Simulator simulator = Simulator.get();
    long before = Math.max(0, simulator.count("cuGraphLaunch"));
    Path straight = folder.resolve("straight");
    Cli.train("sim", data, straight, "--epochs", "3").expect(0);
    long launches = simulator.count("cuGraphLaunch") - before;
    simulator.fault("cuGraphLaunch", launches * 2 / 3, 719);
    Cli.train("sim", data, out, "--epochs", "3")
        .expect(1)
        .complains(" run ")
        .complains("1,10,10]")
        .complains("cuGraphLaunch failed: CUDA_ERROR_LAUNCH_FAILED (719) on device 0")
        .complains("The last checkpoint is whole, after epoch ")
        .complains("go on with: gridstride train --resume " + out.resolve("checkpoint"));
    Cli.run("train", "--device", "sim", "--resume", "" + out).expect(0);
    assertArrayEquals(
        Files.readAllBytes(straight.resolve("model.safetensors")),
        Files.readAllBytes(out.resolve("model.safetensors")));
  }

  /** Each epoch on another device, against all of them on the first. */
  @Test
  void aRunGoesOnOnAnotherDevice() throws IOException {
    List<String> others =
        Stream.of("sim", "reference", "cpu").filter(devices().toList()::contains).toList();
    Path straight = folder.resolve("straight");
    Cli.train("reference", data, straight, "--epochs", "4").expect(0);
    Cli.train("reference", data, out, "--epochs", "1").expect(0);
    for (int epoch = 2; epoch <= 4; epoch++) {
      String device = others.get((epoch - 2) % others.size());
      Cli.run("train", "--device", device, "--resume", "" + out, "--epochs", "" + epoch)
          .expect(0)
          .says("device: " + device)
          .says("epoch " + epoch + "/" + epoch);
    }
    List<String> expected = Files.readAllLines(straight.resolve("history.csv"));
    List<String> got = Files.readAllLines(out.resolve("history.csv"));
    assertEquals(5, got.size());
    for (int epoch = 1; epoch <= 4; epoch++) {
      double loss = Double.parseDouble(expected.get(epoch).split(",", -1)[3]);
      assertEquals(loss, Double.parseDouble(got.get(epoch).split(",", -1)[3]), 1e-4 * loss);
    }
  }

  @Test
  void whatCannotBeWrittenIsSaidBeforeTraining() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    Cli outIsFile = Cli.train("reference", data, file).expect(1);
    outIsFile.complains("file, not a folder");
    assertFalse(outIsFile.out().contains("epoch"));
    Cli.train("reference", data, Path.of("/proc/gridstride")).expect(1).complains("cannot write");
    Cli jsonIsFolder = Cli.train("reference", data, out, "--json", "" + folder).expect(1);
    jsonIsFolder.complains("cannot write " + folder + ": it is a folder");
    assertFalse(jsonIsFolder.out().contains("epoch"));
  }

  @Test
  void aFullDiskLosesNothing() {
    Cli.train("reference", data, out, "--epochs", "1", "--json", "/dev/full")
        .expect(1)
        .complains("cannot write /dev/full: No space left on device");
    assertTrue(Files.isRegularFile(out.resolve("model.safetensors")));
    assertFalse(Files.isRegularFile(Path.of("/dev/full")));
  }

  @Test
  void damagedOrUnfitDataAreNamed() throws IOException {
    Path labels = data.resolve("y_train.npy");
    byte[] whole = Files.readAllBytes(labels);
    Files.write(labels, Arrays.copyOf(whole, whole.length - 5));
    Cli.train("reference", data, out).expect(1).complains("y_train.npy");
    Arrays.fill(whole, whole.length - 4, whole.length, (byte) 0xff);
    Files.write(labels, whole);
    Cli.train("reference", data, out).expect(1).complains("-1");
    Cli.writeNpy(labels, "<i4", Tensor.of(Shape.of(3), 0, 1, 2));
    Cli.train("reference", data, out).expect(1).complains("expected").complains("3");
    Cli.run("train", "--device", "reference", "--dataset", "npy", "--out", "" + out)
        .expect(1)
        .complains("--data DIR");
  }

  @Test
  void aModelThatDoesNotFitTheDataIsAnError() throws IOException {
    Cli.train("reference", data, out, "--epochs", "1").expect(0);
    Cli.run(
            "evaluate",
            "--device",
            "reference",
            "--model-dir",
            "" + out,
            "--dataset",
            "synthetic",
            "--limit",
            "2")
        .expect(1)
        .complains("the model does not fit the data: cifar10-cnn was trained on samples [1,10,10]");
    Path other = folder.resolve("other");
    Cli.train("reference", data, other, "--epochs", "1", "--model", "mlp").expect(0);
    Cli.run(
            "evaluate",
            "--device",
            "reference",
            "--model-dir",
            "" + out,
            "--weights",
            other.resolve("model.safetensors").toString())
        .expect(1)
        .complains("does not fit model cifar10-cnn");
  }

  @Test
  void aCheckpointOfAnotherRunIsRefused() {
    Cli.train("reference", data, out, "--epochs", "1").expect(0);
    String checkpoint = out.resolve("checkpoint").toString();
    Cli.run(
            "train",
            "--device",
            "reference",
            "--resume",
            checkpoint,
            "--batch",
            "4",
            "--epochs",
            "2")
        .expect(1)
        .complains("the checkpoint does not fit this run: its batch is 5, this run's is 4");
    Cli.run("train", "--device", "reference", "--resume", "" + data)
        .expect(1)
        .complains("no checkpoint at " + data);
  }
}
