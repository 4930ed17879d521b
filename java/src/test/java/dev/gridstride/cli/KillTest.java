package dev.gridstride.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A training that is stopped at random moments, by Ctrl-C, SIGTERM and kill -9, and resumed until
 * it is done comes to the very bytes of one that nothing stopped. Each part is a process of its
 * own; two trainings go on side by side.
 */
class KillTest {
  private static final int EPOCHS = 40;
  private static final int LANES = 2;
  private static final long PATIENCE_SECONDS = 120;

  @TempDir private Path folder;
  private String device;
  private Path data;
  private Path straight;

  /** Time that the device needs for all epochs, to choose moments that hit them. */
  private long trainingMillis;

  @ParameterizedTest
  @CsvSource({"sim,50", "cpu,10"})
  void aStoppedAndResumedTrainingGivesTheSameBytes(String name, int stops) throws Exception {
    Backend backend =
        Backends.all().stream().filter(b -> b.name().equals(name)).findFirst().orElseThrow();
    assumeTrue(backend.unavailableReason() == null, backend::unavailableReason);
    device = name;
    data = Cli.writeData(folder.resolve("data"));
    straight = folder.resolve("straight");
    long start = System.nanoTime();
    Cli.run(arguments(straight)).expect(0);
    trainingMillis = (System.nanoTime() - start) / 1_000_000;

    long seed = Long.getLong("gridstride.seed", System.nanoTime());
    ExecutorService lanes = Executors.newFixedThreadPool(LANES);
    try {
      List<Callable<Void>> work = new ArrayList<>();
      for (int lane = 0; lane < LANES; lane++) {
        Lane one = new Lane(lane, new SplittableRandom(seed + lane), stops / LANES);
        work.add(one::run);
      }
      for (Future<Void> done : lanes.invokeAll(work)) {
        done.get();
      }
    } catch (ExecutionException e) {
      throw new AssertionError("again with -Dgridstride.seed=" + seed + ": " + e.getCause(), e);
    } finally {
      lanes.shutdownNow();
    }
  }

  private String[] arguments(Path out) {
    return new String[] {
      "train",
      "--device",
      device,
      "--dataset",
      "npy",
      "--data",
      "" + data,
      "--batch",
      "5",
      "--epochs",
      "" + EPOCHS,
      "--threads",
      "1",
      "--out",
      "" + out
    };
  }

  /** Trainings one after another, until so many stops are done and the last is finished. */
  private final class Lane {
    private final int number;
    private final SplittableRandom random;
    private final int stops;

    /** What has happened to the training under way. */
    private final List<String> log = new ArrayList<>();

    Lane(int number, SplittableRandom random, int stops) {
      this.number = number;
      this.random = random;
      this.stops = stops;
    }

    Void run() throws Exception {
      int stopped = 0;
      for (int training = 0; stopped < stops; training++) {
        Path out = folder.resolve("out" + number + "-" + training);
        log.clear();
        boolean finished = false;
        while (!finished) {
          finished = part(out, stopped < stops);
          stopped += finished ? 0 : 1;
        }
        compare(out);
      }
      return null;
    }

    /** One process, stopped at some moment if so told; whether it came to its end. */
    private boolean part(Path out, boolean stop) throws Exception {
      boolean started = Files.isRegularFile(out.resolve("checkpoint/checkpoint.json"));
      List<String> arguments = new ArrayList<>();
      arguments.addAll(
          started
              ? List.of("train", "--device", device, "--threads", "1", "--resume", "" + out)
              : List.of(arguments(out)));
      // How many steps a launch has changes no bit.
      arguments.addAll(List.of("--steps-per-launch", "" + (1 + random.nextInt(3))));
      Path errors = folder.resolve("errors" + number);
      Process process = JavaProcess.start(errors, arguments.toArray(String[]::new));
      try {
        String signal = stop ? stopSometime(process) : "";
        assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), () -> "hangs: " + log);
        int code = process.exitValue();
        log.add(signal + " exit " + code);
        List<Integer> expected =
            switch (signal) {
              case "INT" -> List.of(0, 130);
              case "TERM" -> List.of(0, 130, 143); // 143 before the command has begun to listen
              case "KILL" -> List.of(0, 137);
              default -> List.of(0);
            };
        String said = Files.readString(errors);
        assertTrue(expected.contains(code), () -> log + ", it said " + said);
        return code == 0;
      } finally {
        process.destroyForcibly();
      }
    }

    /** While the process starts, or while it trains; the name of the signal. */
    private String stopSometime(Process process) throws IOException, InterruptedException {
      long millis = random.nextLong(trainingMillis / 3 + 1);
      if (random.nextInt(4) > 0) {
        BufferedReader lines = process.inputReader();
        String line = lines.readLine();
        while (line != null && !line.startsWith("model: ")) {
          line = lines.readLine();
        }
      }
      process.waitFor(millis, TimeUnit.MILLISECONDS);
      String signal = new String[] {"KILL", "KILL", "INT", "TERM"}[random.nextInt(4)];
      log.add("after " + millis + " ms");
      new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor();
      return signal;
    }

    private void compare(Path out) throws IOException {
      String state = "checkpoint/state-" + EPOCHS * 3 + ".safetensors";
      for (String file : List.of("model.safetensors", "model.json", state)) {
        assertArrayEquals(
            Files.readAllBytes(straight.resolve(file)),
            Files.readAllBytes(out.resolve(file)),
            () -> file + " after " + log);
      }
      assertEquals(history(straight), history(out), () -> "history after " + log);
    }

    /** All but the times. */
    private List<String> history(Path run) throws IOException {
      return Files.readAllLines(run.resolve("history.csv")).stream()
          .map(line -> line.split(",", -1))
          .map(cells -> cells[0] + Arrays.toString(Arrays.copyOfRange(cells, 3, cells.length)))
          .toList();
    }
  }
}
