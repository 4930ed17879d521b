package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gridstride.backend.Backends;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProfileCommandTest {
  @TempDir private Path folder;

  private Cli profile(String device) throws Exception {
    Path data = Cli.writeData(folder);
    String[] start = {"profile", "--dataset", "npy", "--data", "" + data, "--device", device};
    List<String> args = new ArrayList<>(List.of(start));
    args.addAll(List.of("--batch", "4", "--steps", "2"));
    args.addAll(List.of("--json", "" + folder.resolve("profile.json")));
    return Cli.run(args.toArray(String[]::new));
  }

  private static void requireDevice(String device) {
    String problem =
        Backends.all().stream()
            .filter(backend -> backend.name().equals(device))
            .findFirst()
            .orElseThrow()
            .unavailableReason();
    assumeTrue(problem == null, () -> "skipped, no " + device + ": " + problem);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "sim"})
  void everyOpHasItsTimeAndThePartsMakeTheWhole(String device) throws Exception {
    requireDevice(device);
    Cli cli = profile(device).expect(0);
    cli.says("device: " + device)
        .says("model: cifar10-cnn")
        .says("float32, batch 4, mean of 2 steps");
    cli.says(" a step as training runs it").says(" optimizer\n").says(" backward\n");
    JsonNode json = new ObjectMapper().readTree(folder.resolve("profile.json").toFile());
    assertEquals(4, json.get("batch").asInt());
    assertEquals(2, json.get("steps").asInt());
    assertEquals("float32", json.get("precision").asText());
    assertTrue(json.get("step_us").asDouble() > 0);
    assertTrue(json.get("timed_step_us").asDouble() >= json.get("sum_us").asDouble());
    assertEquals(json.get("sum_us").asDouble(), sum(json.get("ops"), "us"), 1);
    assertEquals(json.get("sum_us").asDouble(), sum(json.get("phases"), "us"), 1);
    assertEquals(1, sum(json.get("phases"), "share"), 1e-6);
    Set<String> ops = new HashSet<>();
    json.get("ops").forEach(op -> ops.add(op.get("phase").asText() + " " + op.get("op").asText()));
    for (String op :
        new String[] {
          "data fetch_batch",
          "forward conv2d",
          "forward softmax_cross_entropy",
          "backward conv2d_backward_weights",
          "optimizer adam",
          "metrics hits"
        }) {
      assertTrue(ops.contains(op), op + " in " + ops);
    }
  }

  @Test
  void aDeviceThatIsLaunchedToHasKernels() throws Exception {
    requireDevice("sim");
    Cli cli = profile("sim").expect(0);
    cli.says("note: simulated device: its times are those of a CPU").says("adam_step_f32 <<<(");
    cli.says("of it the host is busy with the launch");
    JsonNode json = new ObjectMapper().readTree(folder.resolve("profile.json").toFile());
    assertTrue(json.get("note").asText().contains("say nothing about a card"));
    assertTrue(json.get("host_us").asDouble() > 0);
    assertEquals(json.get("sum_us").asDouble(), sum(json.get("kernels"), "us"), 1);
    assertEquals(json.get("launches").asInt(), sum(json.get("kernels"), "launches"), 0);
    assertEquals(json.get("launches").asInt(), sum(json.get("phases"), "launches"), 0);
    for (JsonNode op : json.get("ops")) {
      assertEquals(op.get("us").asDouble(), sum(op.get("launches"), "us"), 0.1, op::toString);
    }
    JsonNode conv = json.get("ops").get(1);
    assertEquals("conv2d", conv.get("op").asText());
    // 10 x 10 images of one channel, of which pooling reads 8 x 8: 32 outputs of 9 factors.
    assertEquals(2L * 4 * 32 * 8 * 8 * 9, conv.get("flops").asLong());
    assertEquals(4L * (4 * 100 + 32 * 9 + 32 + 4 * 32 * 64), conv.get("bytes").asLong());
  }

  @Test
  void aDeviceWithoutProfileIsAnError() throws Exception {
    profile("reference").expect(1).complains("no profile of its steps; cuda, cpu and sim have one");
  }

  private static double sum(JsonNode list, String field) {
    double sum = 0;
    for (JsonNode node : list) {
      sum += node.get(field).asDouble();
    }
    return sum;
  }
}
