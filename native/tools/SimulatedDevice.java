import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Builds the simulated device with CMake, lays its files out for the jar, and tests it. Maven runs
 * it as a single file: {@code java SimulatedDevice.java build|test SOURCE BUILD OUTPUT CMAKE CXX
 * JOBS [CMAKE OPTION...]}.
 *
 * <p>{@code build} fills the platform's folder in OUTPUT with {@code libcuda.so.1}, the libraries
 * on it, {@code simcc}, {@code include/} and {@code kernels/}; only what changed is made again.
 * Without CMake or a C++ compiler OUTPUT stays empty, and the build goes on.
 */
public final class SimulatedDevice {
  private static final List<String> LIBRARIES = List.of("libcublas.so.12", "libcudnn.so.9");
  private static final List<String> FORWARDING = List.of("libcublas.so.12", "libnvrtc.so.12");

  private final Path source;
  private final Path build;
  private final Path output;
  private final String cmake;
  private final String compiler;
  private final String jobs;
  private final List<String> options;

  private SimulatedDevice(String[] args) {
    source = Path.of(args[1]);
    build = Path.of(args[2]);
    output = Path.of(args[3]).resolve(platform());
    cmake = args[4];
    compiler = args[5];
    jobs = args[6];
    options = List.of(args).subList(7, args.length);
  }

  public static void main(String[] args) throws Exception {
    if (args.length < 7) {
      System.err.println(
          "usage: java SimulatedDevice.java build|test SOURCE BUILD OUTPUT CMAKE CXX JOBS"
              + " [CMAKE OPTION...]");
      System.exit(2);
    }
    SimulatedDevice device = new SimulatedDevice(args);
    System.exit(args[0].equals("test") ? device.test() : device.build());
  }

  /**
   * As Java code names it that looks for the files: {@code linux-x86_64}, {@code linux-aarch64}.
   */
  private static String platform() {
    String machine = System.getProperty("os.arch");
    return "linux-" + (machine.equals("amd64") ? "x86_64" : machine);
  }

  private int build() throws IOException, InterruptedException {
    String missing = missing();
    if (missing != null) {
      System.out.println(
          "native: simulated device left out: no "
              + missing
              + " found; tests and programs that ask for it are skipped or say so");
      keepOnly(Set.of());
      return 0;
    }
    List<String> configure = new ArrayList<>(List.of(cmake, "-S", source.toString(), "-B"));
    configure.add(build.toString());
    configure.add("-DCMAKE_CXX_COMPILER=" + compiler);
    if (!Files.exists(build.resolve("CMakeCache.txt")) && runs("ninja")) {
      configure.addAll(List.of("-G", "Ninja"));
    }
    configure.addAll(options);
    int status = quietly(configure);
    long start = System.nanoTime();
    if (status == 0) {
      status = quietly(List.of(cmake, "--build", build.toString(), "--parallel", jobs));
    }
    if (status == 0) {
      int changed = lay();
      System.out.printf(
          "native: simulated device built in %.0f s, %d packaged files changed%n",
          (System.nanoTime() - start) / 1e9, changed);
    }
    return status;
  }

  private int test() throws IOException, InterruptedException {
    if (missing() != null) {
      return 0;
    }
    int status =
        quietly(
            List.of(
                cmake, "--build", build.toString(), "--target", "all_tests", "--parallel", jobs));
    return status != 0
        ? status
        : run(
            List.of(
                cmake.endsWith("cmake")
                    ? cmake.substring(0, cmake.length() - 5) + "ctest"
                    : "ctest",
                "--test-dir",
                build.toString(),
                "--output-on-failure",
                "--timeout",
                "300"));
  }

  /** What the build lacks, or null. */
  private String missing() throws IOException, InterruptedException {
    if (!System.getProperty("os.name").startsWith("Linux")) {
      return "Linux";
    }
    if (cmake.equals("none") || !runs(cmake)) {
      return "CMake (" + cmake + ")";
    }
    return runs(compiler) ? null : "C++ compiler (" + compiler + ")";
  }

  private static boolean runs(String program) throws InterruptedException {
    try {
      return new ProcessBuilder(program, "--version")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static int run(List<String> command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  /** Shows the output only of what fails. */
  private static int quietly(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String words = new String(process.getInputStream().readAllBytes());
    int status = process.waitFor();
    if (status != 0) {
      System.out.println(words);
    }
    return status;
  }

  /** Copies what belongs in the jar; the number of files that changed. */
  private int lay() throws IOException {
    Set<Path> kept = new HashSet<>();
    int changed = put(build.resolve("libcuda.so.1"), "libcuda.so.1", kept);
    for (String library : LIBRARIES) {
      changed += put(build.resolve("libraries").resolve(library), library, kept);
    }
    if (Files.isDirectory(build.resolve("forward"))) {
      for (String library : FORWARDING) {
        changed += put(build.resolve("forward").resolve(library), "forward/" + library, kept);
      }
    }
    changed += put(build.resolve("simcc"), "simcc", kept);
    changed += putAll(source.resolve("simulator/include"), "*", "include", kept);
    changed += putAll(build.resolve("kernels"), "*.so", "kernels", kept);
    keepOnly(kept);
    return changed;
  }

  private int putAll(Path folder, String pattern, String to, Set<Path> kept) throws IOException {
    int changed = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, pattern)) {
      for (Path file : files) {
        changed += put(file, to + "/" + file.getFileName(), kept);
      }
    }
    return changed;
  }

  /** Copies a file unless the same is there already. */
  private int put(Path file, String name, Set<Path> kept) throws IOException {
    Path target = output.resolve(name);
    kept.add(target);
    if (Files.exists(target) && Files.mismatch(file, target) < 0) {
      return 0;
    }
    Files.createDirectories(target.getParent());
    Files.copy(
        file, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    return 1;
  }

  private void keepOnly(Set<Path> kept) throws IOException {
    if (!Files.isDirectory(output)) {
      return;
    }
    try (Stream<Path> files = Files.walk(output)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!kept.contains(file)) {
          Files.delete(file);
        }
      }
    }
  }
}
