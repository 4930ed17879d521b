package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.nn.SafeTensors;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Tensor;
import dev.gridstride.train.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --precision} of train, evaluate and predict. */
class PrecisionOptionTest {
  @TempDir private Path folder;
  private Path data;
  private Path out;

  @BeforeEach
  void writeData() throws IOException {
    Simulated.require();
    data = Cli.writeData(folder.resolve("data"));
    out = folder.resolve("out");
  }

  private static Cli resume(Path run, String device, String... more) {
    String[] args = {"train", "--device", device, "--resume", "" + run, "--threads", "2"};
    String[] all = new String[args.length + more.length];
    System.arraycopy(args, 0, all, 0, args.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return Cli.run(all);
  }

  private static Map<String, Tensor> weights(Path run) {
    return SafeTensors.read(run.resolve("model.safetensors")).tensors();
  }

  @Test
  void aRunIsResumedInItsPrecisionAndGivesTheSameBytes() throws IOException {
    Path parts = folder.resolve("parts");
    String[] bf16 = {"--precision", "bf16", "--epochs"};
    Cli.train("sim", data, out, bf16[0], bf16[1], bf16[2], "2").expect(0).says(", bf16\n");
    Cli.train("sim", data, parts, bf16[0], bf16[1], bf16[2], "1").expect(0);
    Cli resumed = resume(parts, "sim", "--epochs", "2").expect(0).says(", bf16\n");
    assertFalse(resumed.out().contains("note: the checkpoint"), resumed.out());
    assertArrayEquals(
        Files.readAllBytes(out.resolve("model.safetensors")),
        Files.readAllBytes(parts.resolve("model.safetensors")));
  }

  @Test
  void filesAreFloat32AndGoOnInAnyPrecisionOnAnyDevice() {
    Cli.train("sim", data, out, "--precision", "bf16", "--epochs", "1").expect(0);
    weights(out)
        .forEach((name, weight) -> assertEquals(DataType.FLOAT32, weight.type().dtype(), name));
    Checkpoint.load(out)
        .tensors()
        .forEach((name, state) -> assertNotEquals(DataType.BFLOAT16, state.type().dtype(), name));
    resume(out, "cpu", "--epochs", "2")
        .expect(1)
        .complains("cpu: precision bf16 needs a CUDA card (--device cuda)")
        .complains("--precision float32");
    resume(out, "cpu", "--epochs", "2", "--precision", "float32")
        .expect(0)
        .says("note: the checkpoint was trained in bf16; from here on it goes in float32")
        .says("epoch 2/2");
    resume(out, "sim", "--epochs", "3", "--precision", "tf32")
        .expect(0)
        .says("note: the checkpoint was trained in float32; from here on it goes in tf32")
        .says("epoch 3/3");
  }

  @Test
  void precisionsTrainDifferentWeights() {
    Path tf32 = folder.resolve("tf32");
    Cli.train("sim", data, out, "--epochs", "1").expect(0).says(", float32\n");
    Cli.train("sim", data, tf32, "--epochs", "1", "--precision", "tf32").expect(0).says(", tf32\n");
    assertNotEquals(weights(out), weights(tf32));
  }

  @Test
  void evaluateAndPredictTakeIt() throws IOException {
    Cli.train("sim", data, out, "--epochs", "1", "--precision", "bf16").expect(0);
    Path json = folder.resolve("test.json");
    String[] evaluate = {"evaluate", "--device", "sim", "--model-dir", "" + out};
    Cli.run(evaluate).expect(0).says(", float32\n");
    Cli.run(
            evaluate[0],
            evaluate[1],
            evaluate[2],
            evaluate[3],
            evaluate[4],
            "--precision",
            "bf16",
            "--json",
            "" + json)
        .expect(0)
        .says(", bf16\n");
    assertEquals(
        "bf16", new ObjectMapper().readTree(Files.readString(json)).path("precision").asText());
    Path image = folder.resolve("image.png");
    javax.imageio.ImageIO.write(
        new java.awt.image.BufferedImage(10, 10, java.awt.image.BufferedImage.TYPE_INT_RGB),
        "png",
        image.toFile());
    String model = out.toString();
    Cli.run("predict", "--device", "sim", "--model-dir", model, "--precision", "tf32", "" + image)
        .expect(0)
        .says(", tf32\n")
        .says("image.png: ");
  }

  @Test
  void otherNamesAndDevicesAreErrors() {
    Cli.train("sim", data, out, "--precision", "fp8")
        .expect(2)
        .complains("--precision fp8: unknown; expected one of float32, tf32, bf16");
    Cli.train("cpu", data, out, "--precision", "tf32")
        .expect(1)
        .complains("cpu: precision tf32 needs a CUDA card");
    Cli.train("reference", data, out, "--precision", "bf16")
        .expect(1)
        .complains("reference: precision bf16 needs a CUDA card");
  }
}
