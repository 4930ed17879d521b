package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.cuda.Simulated;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --impl}, and {@code explain}. */
class ImplementationOptionTest {
  @TempDir private Path folder;
  private Path data;
  private Path out;

  @BeforeEach
  void writeData() throws IOException {
    Simulated.require();
    data = Cli.writeData(folder.resolve("data"));
    out = folder.resolve("out");
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(Files.readString(file));
  }

  @Test
  void aRunSaysWhoComputesAndItsFilesDoToo() throws IOException {
    Path json = folder.resolve("run.json");
    Cli run = Cli.train("sim", data, out, "--epochs", "1", "--json", "" + json).expect(0);
    assertEquals(1, run.out().lines().filter(l -> l.startsWith("implementations: ")).count());
    run.says("implementations: own ");
    JsonNode use = json(json).path("implementations");
    assertEquals("own", use.path("asked").asText());
    assertTrue(use.path("nodes").path("own").asInt() > 50, use.toString());
    JsonNode checkpoint = json(out.resolve("checkpoint/checkpoint.json"));
    assertEquals("own", checkpoint.path("settings").path("implementations").asText());
    assertTrue(checkpoint.path("computed").path("device").asText().startsWith("sim, "));
  }

  @Test
  void checkpointsOfEarlierVersionsGoOn() throws IOException {
    Cli.train("sim", data, out, "--epochs", "1").expect(0);
    Path file = out.resolve("checkpoint/checkpoint.json");
    ObjectNode old = (ObjectNode) json(file);
    old.remove("computed");
    ((ObjectNode) old.path("settings")).remove("implementations");
    Files.writeString(file, old.toString());
    Cli resumed =
        Cli.run("train", "--device", "sim", "--resume", "" + out, "--epochs", "2").expect(0);
    assertFalse(resumed.out().contains("note: "), resumed.out());
  }

  @Test
  void wrongNamesAndDevicesAreErrors() {
    Cli.train("sim", data, out, "--impl", "cudn")
        .expect(2)
        .complains(
            "--impl cudn: unknown implementation cudn; known: own, cudnn, cublas, auto, tune");
    Cli.train("sim", data, out, "--impl", "conv2x=cudnn")
        .expect(1)
        .complains("--impl own,conv2x=cudnn: unknown op conv2x; known: accumulate, adam, add,")
        .complains(" conv2d, conv2d_backward_data, conv2d_backward_weights,");
    for (String device : new String[] {"cpu", "reference"}) {
      for (String impl : new String[] {"cudnn", "auto", "dense=cublas"}) {
        Cli.train(device, data, out, "--impl", impl)
            .expect(1)
            .complains(device + ": implementations ")
            .complains(
                "are for CUDA devices (--device cuda or sim); this device has one of each op")
            .complains("say --impl own");
      }
    }
    Cli.train("cpu", data, out, "--impl", "own", "--epochs", "1").expect(0);
  }

  /** With the simulated cuDNN, which takes the convolutions. */
  @Test
  void whatWasMeasuredIsUsedAgainByARunThatGoesOn() throws IOException {
    Path whole = folder.resolve("whole");
    Cli tuned = Cli.train("sim", data, whole, "--epochs", "2", "--impl", "conv2d=tune").expect(0);
    tuned.says("; times of ").says("(--impl own,conv2d=tune)").says("cudnn ");
    Cli.train("sim", data, out, "--epochs", "1", "--impl", "conv2d=tune")
        .expect(0)
        .says(".json (--impl own,conv2d=tune)");
    Path file = out.resolve("checkpoint/checkpoint.json");
    ObjectNode checkpoint = (ObjectNode) json(file);
    assertEquals("own,conv2d=tune", checkpoint.path("settings").path("implementations").asText());
    ObjectNode by = (ObjectNode) checkpoint.path("computed").path("implementations");
    String conv = key(by, "Conv2d[");
    String[] resume = {"train", "--device", "sim", "--resume", "" + out, "--epochs", "2"};

    // Whatever is known by now, the run goes on as it began.
    Files.copy(file, folder.resolve("kept.json"));
    boolean own = by.path(conv).asText().equals("own");
    Cli same = Cli.run(resume).expect(0);
    assertFalse(same.out().contains("note: "), same.out());
    assertArrayEquals(
        Files.readAllBytes(whole.resolve("model.safetensors")),
        Files.readAllBytes(out.resolve("model.safetensors")));

    // As if the run had used the other one, with an older library.
    Cli.train("sim", data, out, "--epochs", "1", "--impl", "conv2d=tune").expect(0);
    by.put(conv, own ? "cudnn" : "own");
    ((ObjectNode) checkpoint.path("computed").path("libraries")).put("cudnn", "9.0.0");
    Files.writeString(file, checkpoint.toString());
    Path report = folder.resolve("run.json");
    Cli.run(with(resume, "--json", "" + report))
        .expect(0)
        .says("note: the checkpoint's run used cudnn 9.0.0; this is 9.");
    assertEquals(
        own ? "cudnn" : "own",
        json(report).path("implementations").path("by_node").path(conv).asText());

    // Asked for anew, it says what differs.
    Cli.train("sim", data, out, "--epochs", "1", "--impl", "conv2d=tune").expect(0);
    Files.writeString(file, checkpoint.toString());
    Cli.run(with(resume, "--impl", "conv2d=auto"))
        .expect(0)
        .says(
            "note: the checkpoint was trained with --impl own,conv2d=tune; from here on it goes"
                + " with own,conv2d=auto")
        .says("note: the checkpoint's run computed " + conv + " by " + (own ? "cudnn" : "own"));
  }

  private static String key(ObjectNode map, String start) {
    for (var names = map.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (name.startsWith(start)) {
        return name;
      }
    }
    throw new AssertionError("no " + start + " in " + map);
  }

  @Test
  void aLibraryIsUsedWhereItTakesAnOpAndOnlyIfAskedFor() throws IOException {
    Path json = folder.resolve("run.json");
    Cli.train("sim", data, out, "--epochs", "1", "--impl", "cudnn", "--json", "" + json)
        .expect(0)
        .says(", cudnn ")
        .says("(--impl cudnn)");
    JsonNode use = json(json).path("implementations");
    assertTrue(use.path("nodes").path("cudnn").asInt() >= 6, use.toString());
    assertTrue(use.path("nodes").path("own").asInt() > 20, use.toString());
    Cli.train("sim", data, out, "--epochs", "1", "--impl", "conv2d=cudnn")
        .expect(0)
        .says(", cudnn ");
    Cli.train("sim", data, out, "--epochs", "1", "--impl", "max_pool2d=cudnn")
        .expect(1)
        .complains("max_pool2d: cudnn does not take it; cudnn: ")
        .complains("--impl max_pool2d=cudnn allows no other: name another or none");
    Cli.train("sim", data, out, "--epochs", "1", "--impl", "adam=cudnn")
        .expect(1)
        .complains("adam: cudnn has no implementation of it; there is own");
  }

  @Test
  void explainShowsEveryNodeOfAStep() throws IOException {
    Path json = folder.resolve("explain.json");
    String[] args = {
      "explain", "--device", "sim", "--dataset", "npy", "--data", "" + data, "--batch", "4"
    };
    Cli.run(with(args, "--json", "" + json))
        .expect(0)
        .says("recipe article, float32, batch 4")
        .says("implementations: own ")
        .says("conv1 = Conv2d[")
        .says("own: conv2d_forward_")
        .says("fused: conv2d + bias + relu")
        .says("peak (the simulated device has none)");
    Cli.run(with(args, "--impl", "softmax=cudnn"))
        .expect(0)
        .says("note: no op of this step is a softmax, so softmax=cudnn says nothing");
    JsonNode report = json(json);
    long flops = 0;
    long bytes = 0;
    for (JsonNode row : report.path("rows")) {
      flops += row.path("flops").asLong();
      bytes += row.path("bytes").asLong();
      // No peaks are known of the simulated device.
      String bound = row.path("flops").asLong() > 0 ? "unknown" : "memory";
      assertEquals(bound, row.path("bound").asText(), row.toString());
      assertTrue(row.path("least_us").isNull());
      assertEquals("own", row.path("candidates").path(0).path("implementation").asText());
      assertEquals(3, row.path("candidates").size(), row.toString());
    }
    assertEquals(flops, report.path("flops").asLong());
    assertEquals(bytes, report.path("bytes").asLong());
    JsonNode conv = find(report, "conv2d");
    // 4 images of 8x8 pixels of 32 channels, each of 3x3 products; trimming may leave some out.
    assertEquals(2 * 4 * 32 * 8 * 8 * 9, conv.path("flops").asLong());
    long values = 4 * 10 * 10 + 32 * 9 + 32 + 4 * 32 * 8 * 8;
    assertEquals(4 * values, conv.path("bytes").asLong());
    assertEquals(
        conv.path("flops").asDouble() / conv.path("bytes").asDouble(),
        conv.path("flops_per_byte").asDouble(),
        1e-9);
  }

  @Test
  void explainKnowsTheOtherDevices() {
    for (String device : new String[] {"cpu", "reference"}) {
      Cli.run(
              "explain",
              "--device",
              device,
              "--dataset",
              "npy",
              "--data",
              "" + data,
              "--batch",
              "4")
          .expect(0)
          .says("conv1 = Conv2d[")
          .says(device.equals("cpu") ? "onednn: conv1 = conv2d" : "reference: double loops");
    }
    Cli.run("explain", "--model", "nope").expect(2).complains("--model nope: unknown");
  }

  private static JsonNode find(JsonNode report, String op) {
    for (JsonNode row : report.path("rows")) {
      if (row.path("op").asText().equals(op)) {
        return row;
      }
    }
    throw new AssertionError("no " + op);
  }

  private static String[] with(String[] args, String... more) {
    String[] all = Arrays.copyOf(args, args.length + more.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return all;
  }
}
