package dev.gridstride.cli;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A process that takes the simulated device for the driver of a card: its library lies where the
 * system's would, and the function by which it is told apart has another name. It does all that a
 * driver does but run machine code.
 */
final class StandInCard {
  private static final String LIBRARY = "libcuda.so.1";
  private static final String RESOURCE = "/dev/gridstride/native/linux-x86_64/" + LIBRARY;
  private static final String SET = "gridstride_sim_set";

  /** Of the same length and the same hash in the library's table of symbols. */
  private static final String RENAMED = "gridstride_sim_sfS";

  private StandInCard() {}

  /** Whether there is a simulated device to make one of. */
  static boolean isPossible() {
    return StandInCard.class.getResource(RESOURCE) != null;
  }

  /** Makes the library. */
  static void install(Path folder) throws IOException {
    try (InputStream in = StandInCard.class.getResourceAsStream(RESOURCE)) {
      String bytes = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
      Files.writeString(
          folder.resolve(LIBRARY), bytes.replace(SET, RENAMED), StandardCharsets.ISO_8859_1);
    }
  }

  /**
   * Runs commands one after the other in a process of their own that finds the library of {@code
   * folder}.
   *
   * @param settings of the simulated device, none if the library is another
   * @param commands arguments separated by blanks
   */
  static Cli run(Path folder, Map<String, String> settings, String... commands)
      throws IOException, InterruptedException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-cp", System.getProperty("java.class.path"), "-XX:TieredStopAtLevel=1"));
    line.add("-Djna.library.path=" + folder);
    line.add(StandInCard.class.getName());
    settings.forEach((key, value) -> line.add(key + "=" + value));
    line.addAll(Arrays.asList(commands));
    ProcessBuilder builder = new ProcessBuilder(line).directory(folder.toFile());
    builder.redirectErrorStream(true).environment().remove("CUDA_VISIBLE_DEVICES");
    Process process = builder.start();
    try {
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor(60, TimeUnit.SECONDS);
      return new Cli(process.exitValue(), out, "");
    } finally {
      process.destroyForcibly();
    }
  }

  /** Settings, then commands, each followed by a line with its exit code. */
  public static void main(String[] args) {
    for (String arg : args) {
      if (arg.matches("[a-z_]+=.*")) {
        String[] setting = arg.split("=", 2);
        NativeLibrary.getInstance(LIBRARY)
            .getFunction(RENAMED)
            .invokeInt(new Object[] {setting[0], setting[1]});
        continue;
      }
      Terminal terminal = new Terminal(System.out, System.out, false, 100);
      System.out.println("exit code " + Main.run(terminal, arg.split(" ")) + " of " + arg);
    }
  }
}
