package dev.gridstride.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line in a JVM of its own. */
final class JavaProcess {
  private JavaProcess() {}

  /**
   * Starts it with SIGINT as a terminal would have it.
   *
   * @param errors file for its standard error
   */
  static Process start(Path errors, String... arguments) throws IOException {
    // A shell starts background jobs with SIGINT ignored, and a JVM leaves an ignored signal alone.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    // Short lives: quick to start, and small.
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
    String libcuda = System.getProperty("gridstride.libcuda");
    if (libcuda != null) {
      command.add("-Dgridstride.libcuda=" + libcuda);
    }
    command.add(Main.class.getName());
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(errors.toFile()).start();
  }
}
