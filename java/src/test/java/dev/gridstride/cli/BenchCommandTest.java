package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchCommandTest {
  private static final int ILLEGAL_ADDRESS = 700;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @Test
  void theSimulatedDeviceIsMarkedInEveryFile() throws IOException {
    Simulated.require();
    Path json = folder.resolve("r.json");
    Path markdown = folder.resolve("r.md");
    Path html = folder.resolve("r.html");
    Path csv = folder.resolve("r.csv");
    Path suite = folder.resolve("mine.txt");
    Files.writeString(suite, "softmax n=4,5 classes=10\nconv2d n=1 ic=2 oc=3 image=5 kernel=3\n");
    Cli.run(
            ("bench --device sim --suite "
                    + suite
                    + " n=2 --json "
                    + json
                    + " --markdown "
                    + markdown
                    + " --html "
                    + html
                    + " --csv "
                    + csv)
                .split(" "))
        .expect(0)
        .says("no measure of a GPU")
        .says("softmax n=2 classes=10")
        .says("own float32")
        .says("java float32");
    JsonNode report = JSON.readTree(Files.readString(json));
    assertTrue(report.get("simulated").asBoolean());
    assertTrue(report.get("complete").asBoolean());
    for (String name : "device driver date command java gridstride host cpu".split(" ")) {
      assertTrue(!report.path(name).asText().isEmpty(), name);
    }
    assertTrue(report.get("device_rates").has("copy_gb_per_s"));
    for (JsonNode row : report.get("rows")) {
      boolean cpu = row.get("device").asText().startsWith("cpu");
      assertEquals(!cpu, row.get("simulated").asBoolean());
      assertTrue(row.get("bytes").asLong() > 0 && !row.get("bound").asText().isEmpty());
    }
    assertTrue(Files.readString(markdown).contains("no measure of a GPU"));
    assertTrue(Files.readString(html).contains("no measure of a GPU"));
    assertEquals(1 + report.get("rows").size(), Files.readAllLines(csv).size());
  }

  @Test
  void anErrorOfTheDeviceFailsItsRowAndTheCommand() {
    Simulated.require();
    Simulator.get().fault("launch", 1, ILLEGAL_ADDRESS);
    try {
      Cli.run("bench --device sim --no-cpu --only own sgd elements=9".split(" "))
          .expect(1)
          .says("failed: ")
          .says("CUDA_ERROR_ILLEGAL_ADDRESS");
    } finally {
      Simulator.get().clearFaults();
    }
  }

  @Test
  void mistakesAreWrongUsage() throws IOException {
    Path suite = folder.resolve("mine.txt");
    Files.writeString(suite, "softmax n=4 classes=10\nsoftmax n=4 classes=-1\n");
    Cli.run("bench", "--device", "cpu", "--suite", suite.toString())
        .expect(2)
        .complains("mine.txt:2: classes=-1: expected a whole number from 1");
    Cli.run("bench").expect(2).complains("--suite NAME, or OP KEY=VALUE");
    Cli.run("bench", "n=3").expect(2).complains("expected an op first, got 'n=3'");
    Cli.run("bench", "softmax", "n=3").expect(2).complains("softmax n=3: classes is missing");
    Cli.run("bench", "--suite", "nowhere").expect(2).complains("no suite nowhere");
    Cli.run("bench --impl auto softmax n=1 classes=2".split(" "))
        .expect(2)
        .complains("--only own,cudnn");
    Path blocked = suite.resolve("r.json");
    Cli told =
        Cli.run("bench", "--device", "cpu", "softmax", "n=1", "classes=2", "--json", "" + blocked);
    told.expect(1).complains("cannot write " + blocked);
    assertEquals("", told.out(), "before the device is opened");
    String softmax = "bench --device cpu softmax n=1 classes=2 ";
    for (String wrong :
        "--noise NaN,--time-limit 1e10,--warm-up -1,--budget Infinity,--min-samples 0".split(",")) {
      told = Cli.run((softmax + wrong).split(" "));
      told.expect(2).complains(wrong.split(" ")[0] + " must be ");
      assertEquals("", told.out(), wrong);
    }
    Cli.run((softmax + "--min-samples 9 --max-samples 8").split(" "))
        .expect(2)
        .complains("--min-samples must not be above --max-samples, got 9 and 8");
    Cli.run("bench", "--list").expect(0).says("resnet50").says("matmul m=N n=N k=N [ta] [tb]");
  }

  @Test
  void implementationsThatTheDeviceDoesNotHaveAreWrongUsage() {
    String softmax = "softmax n=1 classes=2 --check";
    Cli.run(("bench --device cpu --only onednn " + softmax).split(" "))
        .expect(2)
        .complains("--only onednn: device cpu has one implementation of each op");
    Cli.run(("bench --device cpu --impl own " + softmax).split(" "))
        .expect(0)
        .says("1 row: 1 right");
    Simulated.require();
    Cli.run(("bench --device sim --only own,cudn " + softmax).split(" "))
        .expect(2)
        .complains("--only cudn: device sim has own, cudnn, cublas");
  }

  @Test
  void comparingEndsWithAnExitCode() throws IOException {
    Path before = folder.resolve("before.json");
    Path after = folder.resolve("after.json");
    Cli.run(
            ("bench --device cpu --noise 1000000 --min-samples 2 --time-limit 5 --warm-up 0"
                    + " softmax n=64 classes=100 --json "
                    + before)
                .split(" "))
        .expect(0);
    ObjectNode report = (ObjectNode) JSON.readTree(Files.readString(before));
    Cli.run("bench", "compare", before.toString(), before.toString())
        .expect(0)
        .says("same     softmax n=64 classes=100, float32, java")
        .says("1 row: 1 same");
    ObjectNode row = (ObjectNode) report.get("rows").get(0);
    for (String time : "median p20 p80".split(" ")) {
      row.put(time, 100 * row.get(time).asDouble());
    }
    Files.writeString(after, report.toString());
    Cli.run("bench", "compare", before.toString(), after.toString()).expect(1).says("slower");
    Cli.run("bench", "compare", after.toString(), before.toString()).expect(0).says("faster");
    Files.writeString(after, "{\"rows\": []}");
    Cli.run("bench", "compare", before.toString(), after.toString()).expect(1).says("lost");
    Files.writeString(after, "nothing");
    Cli.run("bench", "compare", before.toString(), after.toString())
        .expect(2)
        .complains("after.json: no JSON");
  }
}
