package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Native libraries of several processes at once, and what they leave behind. */
class NativeFolderTest {
  @TempDir Path temporary;

  @BeforeEach
  void needed() {
    Simulated.require();
  }

  /** A process that opens the simulated device, says so, and ends or waits. */
  static final class Program {
    private Program() {}

    public static void main(String[] arguments) throws InterruptedException, IOException {
      try (CudaContext context = CudaDriver.simulated().device(0).createContext();
          DeviceBuffer buffer = context.allocate(8)) {
        buffer.write(new int[] {1, 2});
        System.out.println("read " + buffer.read(new int[2])[1]);
        if (arguments.length > 0) {
          System.out.flush();
          System.in.read();
        }
      }
    }
  }

  private Process start(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-Djava.io.tmpdir=" + temporary,
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static void assertRan(Process process) throws IOException, InterruptedException {
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals("read 2", output);
    assertEquals(0, process.exitValue());
  }

  private List<String> left() throws IOException {
    try (Stream<Path> files = Files.list(temporary)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void processesAtOnceDoNotDisturbEachOtherAndLeaveNothing()
      throws IOException, InterruptedException {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(start());
    }
    for (Process process : processes) {
      assertRan(process);
    }
    assertEquals(List.of(), left().stream().filter(f -> !f.startsWith("jna")).toList());
  }

  @Test
  void whatAKilledProcessLeavesTheNextOneRemoves() throws IOException, InterruptedException {
    Process killed = start("wait");
    assertEquals('r', killed.getInputStream().read());
    assertEquals(1, left().stream().filter(f -> f.startsWith("gridstride")).count());
    // One that lives is left alone.
    assertRan(start());
    assertEquals(1, left().stream().filter(f -> f.startsWith("gridstride")).count());
    killed.destroyForcibly().waitFor();
    assertRan(start());
    assertEquals(0, left().stream().filter(f -> f.startsWith("gridstride")).count());
  }
}
