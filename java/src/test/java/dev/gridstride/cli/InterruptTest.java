package dev.gridstride.cli;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signals, in a JVM of its own: they cannot be tested in this one. */
class InterruptTest {
  private static final int MANY_EPOCHS = 100_000;

  @TempDir private Path folder;

  private Process startTraining(Path out) throws IOException {
    Path data = Cli.writeData(folder.resolve("data"));
    return JavaProcess.start(
        folder.resolve("stderr"),
        "train",
        "--device",
        "auto",
        "--dataset",
        "npy",
        "--data",
        "" + data,
        "--batch",
        "2",
        "--epochs",
        "" + MANY_EPOCHS,
        "--out",
        "" + out);
  }

  private static void awaitLine(Process process, String part) throws IOException {
    BufferedReader lines = process.inputReader();
    String line = lines.readLine();
    while (line != null && !line.contains(part)) {
      line = lines.readLine();
    }
    assertTrue(line != null, "the process ended before it printed " + part);
  }

  private static void signal(String name, Process process) throws Exception {
    Process kill = new ProcessBuilder("kill", "-" + name, "" + process.pid()).start();
    assertEquals(0, kill.waitFor());
  }

  private void awaitExit(Process process, int code) throws Exception {
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "still running");
    assertEquals(code, process.exitValue(), Files.readString(folder.resolve("stderr")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void aSignalFinishesTheStepAndSaves(String signal) throws Exception {
    Path out = folder.resolve("out");
    Process process = startTraining(out);
    awaitLine(process, "epoch 1/");
    signal(signal, process);
    awaitExit(process, 130);

    String said = Files.readString(folder.resolve("stderr"));
    assertTrue(said.contains("interrupted: finishing the step and saving"), said);
    assertTrue(said.contains("go on with: gridstride train --resume"), said);
    assertTrue(Files.isRegularFile(out.resolve("model.safetensors")));
    checkThatItGoesOnBitForBit(out);
  }

  @Test
  void aBenchmarkEndsAfterItsOpAndWritesWhatThereIs() throws Exception {
    Path json = folder.resolve("r.json");
    String sizes = IntStream.range(1, 1000).mapToObj(Integer::toString).collect(joining(","));
    Process process =
        JavaProcess.start(
            folder.resolve("stderr"),
            ("bench --device cpu --warm-up 0.1 --json " + json + " softmax classes=9 n=" + sizes)
                .split(" "));
    awaitLine(process, "softmax n=1 classes=9");
    signal("INT", process);
    awaitExit(process, 130);
    String said = Files.readString(folder.resolve("stderr"));
    assertTrue(said.contains("interrupted: finishing the op"), said);
    JsonNode results = new ObjectMapper().readTree(Files.readString(json));
    assertFalse(results.path("complete").asBoolean(true));
    int rows = results.path("rows").size();
    assertTrue(rows > 0 && rows < 999, "rows " + rows);
  }

  /** Two epochs more, against as many epochs without an interruption. */
  private void checkThatItGoesOnBitForBit(Path out) throws IOException {
    int epochs = Files.readAllLines(out.resolve("history.csv")).size() + 1;
    Cli.run("train", "--device", "auto", "--resume", "" + out, "--epochs", "" + epochs).expect(0);
    Path straight = folder.resolve("straight");
    Cli.run(
            "train",
            "--device",
            "auto",
            "--dataset",
            "npy",
            "--data",
            "" + folder.resolve("data"),
            "--batch",
            "2",
            "--epochs",
            "" + epochs,
            "--out",
            "" + straight)
        .expect(0);
    assertArrayEquals(
        Files.readAllBytes(straight.resolve("model.safetensors")),
        Files.readAllBytes(out.resolve("model.safetensors")));
  }

  @Test
  void aKilledProcessLeavesAWholeCheckpoint() throws Exception {
    Path out = folder.resolve("out");
    Process process = startTraining(out);
    awaitLine(process, "epoch 3/");
    signal("KILL", process);
    awaitExit(process, 137);
    checkThatItGoesOnBitForBit(out);
  }
}
