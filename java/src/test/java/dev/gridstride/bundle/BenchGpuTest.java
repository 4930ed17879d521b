package dev.gridstride.bundle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bundle's script that measures a card, around a launcher that fails, hangs or works. */
class BenchGpuTest {
  private static final Path SCRIPTS = Path.of("..", "bench", "gpu");

  /** Selftests fail, the kernel benchmark hangs, the rest works. */
  private static final String LAUNCHER =
      """
      #!/bin/sh
      case $1 in
        selftest) echo 'one check failed' >&2; exit 1 ;;
        bench) exec sleep 100 ;;
        train)
          while [ $# -gt 1 ]; do
            [ "$1" != --json ] || printf '{"train": 1}' > "$2"
            shift
          done ;;
      esac
      """;

  @TempDir private Path folder;
  private Path script;

  @BeforeEach
  void unpack() throws IOException {
    Files.createDirectories(folder.resolve("bin"));
    script = Files.copy(SCRIPTS.resolve("bench-gpu"), folder.resolve("bench-gpu"));
    Path launcher = Files.writeString(folder.resolve("bin/gridstride"), LAUNCHER);
    assertTrue(launcher.toFile().setExecutable(true));
  }

  private int run(Path output, String... args) throws Exception {
    List<String> command = new ArrayList<>(List.of("/bin/sh", script.toString()));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the script hangs");
    return process.exitValue();
  }

  private static Map<String, String[]> parts(Path results) throws IOException {
    Map<String, String[]> parts = new LinkedHashMap<>();
    for (String line : Files.readAllLines(results.resolve("parts.tsv"))) {
      String[] cells = line.split("\t");
      parts.put(cells[0], cells);
    }
    return parts;
  }

  @Test
  void partsThatFailOrHangAreRecordedAndTheOthersGoOn() throws Exception {
    Path output = folder.resolve("output");
    long start = System.nanoTime();
    int status =
        run(output, "--device", "sim", "--budget", "30", "--out", "r", "--python", "nowhere");
    double seconds = (System.nanoTime() - start) / 1e9;
    String text = Files.readString(output, StandardCharsets.UTF_8);
    assertEquals(1, status, text);
    assertTrue(seconds < 33, seconds + " s\n" + text);
    Map<String, String[]> parts = parts(folder.resolve("r"));
    assertEquals("0", parts.get("doctor")[1], text);
    assertEquals("1", parts.get("selftest-float32")[1], text);
    assertEquals("124", parts.get("kernels-smoke")[1], text);
    assertEquals("7", parts.get("kernels-smoke")[3], text);
    assertEquals("0", parts.get("training-cudnn-float32-batch64-steps100")[1], text);
    assertEquals("-", parts.get("pytorch")[1], text);
    assertTrue(parts.get("jax")[4].contains("--python"), text);
    assertEquals("1", parts.get("selftest-cublas")[1], text);
    Path log = folder.resolve("r/log/selftest-float32.txt");
    assertEquals("one check failed", Files.readString(log).strip());
    Path run = folder.resolve("r/training/own-float32-batch64-steps1.json");
    assertEquals("{\"train\": 1}", Files.readString(run));
    assertTrue(Files.readString(folder.resolve("r/machine.txt")).contains("device: sim"));
  }

  @Test
  void whatHasNoTimeLeftIsLeftOut() throws Exception {
    Path output = folder.resolve("output");
    run(output, "--device", "sim", "--budget", "4", "--out", "r", "--python", "nowhere");
    Map<String, String[]> parts = parts(folder.resolve("r"));
    parts.remove("part");
    assertFalse(parts.isEmpty());
    parts.forEach((name, cells) -> assertEquals("-", cells[1], name));
    assertEquals("no time left", parts.get("doctor")[4]);
  }

  @Test
  void aMistakeInTheCommandLineIsSaid() throws Exception {
    Path output = folder.resolve("output");
    assertEquals(2, run(output, "--budget", "9m"));
    assertTrue(Files.readString(output).contains("whole seconds, got 9m"));
    assertEquals(2, run(output, "--data", "nowhere"));
    assertTrue(Files.readString(output).contains("nowhere has no data_batch_1.bin"));
    assertEquals(2, run(output, "--out", "bin"));
    assertTrue(Files.readString(output).contains("bin exists"));
    assertEquals(0, run(output, "--help"));
    assertTrue(Files.readString(output).startsWith("Measures a card"));
  }
}
