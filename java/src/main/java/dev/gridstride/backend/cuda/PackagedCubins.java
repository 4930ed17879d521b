package dev.gridstride.backend.cuda;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The cubins that the build has packaged.
 *
 * @param toolkit CUDA version of the nvcc that made them, 13000 for 13.0; 0 if not known
 * @param targets generations by the kernel file's name without ending
 */
record PackagedCubins(int toolkit, Map<String, TreeSet<ComputeCapability>> targets) {
  private static final Pattern CUBIN = Pattern.compile("(\\w+)\\.(sm_\\d+)\\.cubin");
  private static final Pattern COMPILER = Pattern.compile("nvcc (\\d+)\\.(\\d+)");

  /** What this build has, read once. */
  private static final class Packaged {
    static final PackagedCubins CUBINS = read();
  }

  static PackagedCubins get() {
    return Packaged.CUBINS;
  }

  private static PackagedCubins read() {
    String report = Resources.text(Resources.KERNELS + "kernels.txt");
    return of(report == null ? "" : report, Resources.list(Resources.KERNELS));
  }

  /**
   * From the report of the build and the names of its files.
   *
   * @param report begins with the compiler's name and version
   */
  static PackagedCubins of(String report, List<String> files) {
    Map<String, TreeSet<ComputeCapability>> targets = new TreeMap<>();
    for (String file : files) {
      Matcher cubin = CUBIN.matcher(file);
      if (cubin.matches()) {
        targets
            .computeIfAbsent(cubin.group(1), name -> new TreeSet<>())
            .add(ComputeCapability.parse(cubin.group(2)));
      }
    }
    Matcher version = COMPILER.matcher(report);
    int toolkit =
        version.lookingAt()
            ? 1000 * Integer.parseInt(version.group(1)) + 10 * Integer.parseInt(version.group(2))
            : 0;
    return new PackagedCubins(toolkit, targets);
  }

  /** The generation of the cubin that a card runs: its own or the next lower; null for none. */
  ComputeCapability best(String name, ComputeCapability card) {
    return targets.getOrDefault(name, new TreeSet<>()).descendingSet().stream()
        .filter(card::runs)
        .findFirst()
        .orElse(null);
  }

  /**
   * Whether a driver takes them: machine code runs on every driver of the toolkit's major version
   * or a later one.
   */
  boolean fit(int driver) {
    return driver / 1000 >= toolkit / 1000;
  }

  /** The packaged file's name. */
  static String resource(String name, ComputeCapability target) {
    return Resources.KERNELS + name + "." + target.arch() + ".cubin";
  }

  /** For messages. */
  String toolkitText() {
    return toolkit == 0 ? "an unknown nvcc" : "nvcc " + CudaDriver.text(toolkit);
  }
}
