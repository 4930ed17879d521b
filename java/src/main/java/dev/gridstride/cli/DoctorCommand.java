package dev.gridstride.cli;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import dev.gridstride.data.Datasets;
import dev.gridstride.data.KnownDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** {@code gridstride doctor}. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Shows what works on this machine, what is missing, and how to get it: devices with their",
      "drivers and memory, and the image that each CUDA kernel would be loaded from.",
      "",
      "Exit code 1 if no device can train."
    })
final class DoctorCommand implements Callable<Integer> {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final Path MEMORY_INFO = Path.of("/proc/meminfo");

  private final Terminal terminal;

  DoctorCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    line("gridstride", Version.gridstride());
    line("java", Version.java() + ", " + System.getProperty("java.home"));
    line(
        "java heap",
        String.format(Locale.ROOT, "%,d MB at most", Runtime.getRuntime().maxMemory() >> 20));
    line(
        "system",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"));
    line("processor", processor());
    line("cores", "" + Runtime.getRuntime().availableProcessors());
    line("memory", firstValue(MEMORY_INFO, "MemTotal"));
    boolean usable = devices();
    line("cache", describe(Datasets.cacheFolder()));
    for (KnownDataset set : Datasets.list()) {
      Optional<Path> found = Datasets.locate(set.name(), null, Datasets.Options.defaults());
      line(
          "data set " + set.name(),
          found
              .map(Path::toString)
              .orElse("not here; get it: gridstride datasets fetch " + set.name()));
    }
    return usable ? Main.OK : Main.FAILED;
  }

  private boolean devices() {
    boolean usable = false;
    for (Backend backend : Backends.all()) {
      String problem = backend.unavailableReason();
      boolean automatic = problem == null && backend.priority() > 0;
      usable |= automatic;
      line(
          "device " + backend.name(),
          problem != null
              ? "not available: " + problem
              : automatic ? "available" : "available, only if asked for by name");
      backend.report().forEach(detail -> line("", detail));
    }
    return usable;
  }

  private void line(String what, String value) {
    terminal.out().println(String.format(Locale.ROOT, "%-24s %s", what, value));
  }

  private static String describe(Path folder) {
    if (!Files.isDirectory(folder)) {
      return folder + " (not there yet)";
    }
    return folder + (Files.isWritable(folder) ? "" : " (not writable)");
  }

  /** This machine's processor. */
  static String processor() {
    return firstValue(CPU_INFO, "model name");
  }

  /** The value of the first {@code key : value} line of a file of the kernel. */
  private static String firstValue(Path file, String key) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(key) && line.contains(":"))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .orElse("unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }
}
