package dev.gridstride.bundle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bundle's script that measures a card, around a launcher that fails, hangs or works. */
class BenchGpuTest {
  private static final Path SCRIPTS = Path.of("..", "bench", "gpu");

  private static final Path PYTHON = Path.of("/usr/bin/python3");

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
  void theTableShowsEveryRunThatEnded() throws Exception {
    assumeTrue(Files.isExecutable(PYTHON), "skipped, no Python: expected it at " + PYTHON);
    Files.createDirectories(folder.resolve("training"));
    Files.createDirectories(folder.resolve("peers"));
    Files.writeString(
        folder.resolve("parts.tsv"),
        """
        part\trc\tseconds\tlimit\tcommand
        doctor\t0\t1\t9\tgridstride doctor
        kernels-smoke\t124\t9\t9\tgridstride bench
        jax\t-\t0\t0\tno jax
        """);
    Files.writeString(folder.resolve("machine.txt"), "a date\ndevice: sim\n");
    Files.writeString(
        folder.resolve("training/own-float32-batch64-steps100.json"),
        """
        {"gridstride": "1.2", "device": "card", "steps_per_launch": 100, "seed": 1, "precision": "float32",
         "batch": 64, "first_step_seconds": 2.5, "epochs": [
          {"seconds": 3.0, "images_per_second": 16667, "loss": 1.5, "val_accuracy": 0.6},
          {"seconds": 1.0, "images_per_second": 50000, "loss": 1.2, "val_accuracy": 0.65},
          {"seconds": 2.0, "images_per_second": 25000, "loss": 1.0, "val_accuracy": 0.7}]}
        """);
    Files.writeString(
        folder.resolve("peers/pytorch.jsonl"),
        """
        {"peer": "pytorch", "version": "9", "mode": "graph", "precision": "float32", "batch": 64, "setup_seconds": 7,\
         "epochs": [{"seconds": 0.5, "images_per_second": 100000, "loss": 1.1, "test_accuracy": 0.5}]}
        {"peer": "pytorch", "version": "9", "mode": "eager", "error": "no"}
        {"peer": "pytorch", "versi""");
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(
                PYTHON.toString(), SCRIPTS.resolve("summary.py").toString(), folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    List<String> lines = Files.readAllLines(output);
    assertEquals(
        List.of(
            "| pytorch 9 | graph | float32 | 64 | 0.500 (0.500-0.500) | 100,000 | 1.00 | - | 7.0 |"
                + " 1.100 | 50.00 % |",
            "| gridstride 1.2 | own, 100 steps a launch, seed 1 | float32 | 64 |"
                + " 1.500 (1.000-2.000) | 37,500 | 3.00 | 4.00 | 2.5 | 1.000 | 70.00 % |"),
        lines.subList(2, 4));
    assertEquals(
        "**A simulated device: its times are no measure of a card.** a date; device: sim; card."
            + " Stopped after 9 s: kernels-smoke. Left out, no jax: jax.",
        lines.get(5));
  }

  /** Differences as plain float32 and as TF32 have them: 2e-7 and 1e-5 in the second loss. */
  @ParameterizedTest
  @CsvSource({
    "float32, 2e-7, 3e-4, True",
    "float32, 1e-5, 3e-4, False",
    "float32, 2e-7, 2e-3, False",
    "float32, nan, 0, False",
    "tf32, 4e-4, 2e-3, True",
    "tf32, 4e-4, 2e-2, False"
  })
  void theFirstLossesTellTf32ThatNobodyAskedFor(
      String precision, String second, String last, String passes) throws Exception {
    assumeTrue(Files.isExecutable(PYTHON), PYTHON + " is not there");
    String program =
        """
        import types, peer
        factors = [1, 1 + float("%s")] + [1] * 5 + [1 + float("%s")]
        trainer = types.SimpleNamespace(first_losses=lambda steps: [2.3 * factor for factor in factors])
        try:
            peer.check(trainer, [2.3] * 8, "%s")
            print(True)
        except peer.CheckFailed:
            print(False)
        """
            .formatted(second, last, precision);
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(PYTHON.toString(), "-B", "-c", program)
            .directory(SCRIPTS.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(passes, Files.readString(output).strip());
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
