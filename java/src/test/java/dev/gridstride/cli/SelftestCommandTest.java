package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SelftestCommandTest {
  private static final int ILLEGAL_ADDRESS = 700;

  @TempDir private Path folder;

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(Files.readString(file));
  }

  private static void requireSimulator() {
    Simulated.require();
  }

  @Test
  void theCpuPasses() throws IOException {
    Path file = folder.resolve("cpu.json");
    Cli.run("selftest", "--device", "cpu", "--filter", "softmax [5,2]", "--json", "" + file)
        .expect(0)
        .says("device: cpu")
        .says("selftest of cpu in float32: ")
        .says(" passed; ");
    JsonNode report = json(file);
    assertEquals("cpu", report.get("backend").asText());
    assertEquals("float32", report.get("precision").asText());
    assertEquals(0, report.get("failed").asInt());
    assertEquals(report.get("passed").asInt(), report.get("cases").size());
    JsonNode first = report.get("cases").get(0);
    assertEquals("passed", first.get("verdict").asText());
    assertTrue(first.get("max_error").asDouble() <= first.get("bound").asDouble());
    assertTrue(first.has("expected") && first.has("got") && first.has("index"));
  }

  @Test
  void theSimulatedDevicePassesAndSaysWhatItIs() throws IOException {
    requireSimulator();
    Path file = folder.resolve("sim.json");
    Cli.run("selftest", "--device", "sim", "--filter", "sgd", "--json", "" + file).expect(0);
    JsonNode report = json(file);
    assertEquals("9.0", report.get("compute_capability").asText());
    assertTrue(report.get("driver").asText().contains("CUDA"));
  }

  @Test
  void aFailingLaunchFailsItsCheckAlone() throws IOException {
    requireSimulator();
    Path file = folder.resolve("fault.json");
    Simulator.get().fault("launch", 1, ILLEGAL_ADDRESS);
    try {
      Cli.run("selftest", "--device", "sim", "--filter", "sgd", "--json", "" + file)
          .expect(1)
          .says("FAILED sgd")
          .says("CUDA_ERROR_ILLEGAL_ADDRESS")
          .says(", 1 failed; ");
    } finally {
      Simulator.get().clearFaults();
    }
    JsonNode report = json(file);
    assertEquals(1, report.get("failed").asInt());
    assertEquals(report.get("cases").size() - 1, report.get("passed").asInt());
    assertTrue(report.get("cases").get(0).get("problem").asText().contains("ILLEGAL_ADDRESS"));
  }

  @Test
  void aFilterThatMatchesNothingIsWrongUsage() {
    Cli.run("selftest", "--device", "cpu", "--filter", "nonsense")
        .expect(2)
        .complains("--filter nonsense: no check has this in its name");
  }

  @Test
  void theReportMustBeWritable() {
    Cli.run("selftest", "--device", "cpu", "--json", "/dev/null/x")
        .expect(1)
        .complains("/dev/null");
  }
}
