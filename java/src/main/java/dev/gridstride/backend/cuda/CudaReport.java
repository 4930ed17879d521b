package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import dev.gridstride.events.NvtxRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a user should know about CUDA on this machine: driver, cards, compilers, and the image that
 * each kernel file would be loaded from.
 */
public final class CudaReport {
  private static final Path KERNEL_MODULE = Path.of("/proc/driver/nvidia/version");
  private static final Pattern DRIVER_NUMBER = Pattern.compile("\\b\\d{3,}\\.\\d+(\\.\\d+)?\\b");
  private static final int LINE = 100;

  private CudaReport() {}

  /**
   * About cards. Leaves the process free for the simulated device where there is none.
   *
   * @param libraries what is to be said about other libraries of NVIDIA; not asked where this
   *     process runs the simulated device
   */
  public static List<String> cards(Supplier<List<String>> libraries) {
    List<String> lines = new ArrayList<>();
    boolean free = CudaDriver.takenReason(false) == null;
    if (free) {
      try {
        lines.addAll(cards(InstalledDriver.find()));
      } catch (BackendException e) {
        // The reason why there is no card is told where the report begins.
        Log.debug("no card", e);
      }
    }
    lines.add(cubins(PackagedCubins.get()));
    Nvrtc nvrtc = Nvrtc.find();
    lines.add(
        nvrtc == null
            ? "NVRTC: "
                + Nvrtc.missing()
                + "; needed only for cards without a cubin, and for your"
                + " own kernels"
            : "NVRTC: " + nvrtc.version() + " (" + nvrtc.library() + ")");
    Path nvcc = NvccCompiler.find();
    lines.add(
        nvcc == null
            ? "nvcc: not on the path; needed only to build cubins"
            : "nvcc: " + nvcc + ", " + new NvccCompiler(nvcc, ComputeCapability.LOWEST).identity());
    lines.add("NVTX: " + NvtxRange.describeLibrary());
    lines.add("NVML: " + Nvml.describe());
    if (free) {
      lines.addAll(libraries.get());
    }
    return lines;
  }

  private static List<String> cards(InstalledDriver driver) {
    List<String> lines = new ArrayList<>();
    lines.add(
        InstalledDriver.LIBRARY
            + ": "
            + driver.file()
            + ", driver "
            + driverNumber()
            + ", supports CUDA "
            + CudaDriver.text(driver.version()));
    for (InstalledDriver.Card card : driver.cards()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "cuda:%d: %s, compute capability %s, %,d MB, %s",
              card.index(),
              card.name(),
              card.capability(),
              card.memoryBytes() >> 20,
              driver.free(card)));
      if (card.capability().isSupported()) {
        lines.addAll(images(KernelImages.describe(card.forImages(driver.version()))));
      } else {
        lines.add("  not usable: " + card.capability().tooLow("it"));
      }
    }
    return lines;
  }

  private static String cubins(PackagedCubins cubins) {
    TreeSet<ComputeCapability> all = new TreeSet<>();
    cubins.targets().values().forEach(all::addAll);
    return all.isEmpty()
        ? "cubins: left out of this build, which had no nvcc; build with nvcc on the path (or"
            + " -Dnvcc=FILE), or install NVRTC"
        : "cubins: "
            + String.join(", ", all.stream().map(ComputeCapability::arch).toList())
            + ", by "
            + cubins.toolkitText();
  }

  /** The driver's own number, which its kernel module tells. */
  private static String driverNumber() {
    try {
      Matcher number = DRIVER_NUMBER.matcher(Files.readString(KERNEL_MODULE));
      return number.find() ? number.group() : "of unknown number";
    } catch (IOException e) {
      return "of unknown number";
    }
  }

  /**
   * About the simulated device.
   *
   * @param libraries what is to be said about other libraries of NVIDIA; asked while it runs
   */
  public static List<String> simulated(Supplier<List<String>> libraries) {
    List<String> lines = new ArrayList<>();
    lines.add("CUDA kernels without a card: for tests and for looking at kernels; slow");
    if (!Simulator.isPackaged()) {
      return lines;
    }
    if (InstalledDriver.isFound()) {
      lines.add(
          "not started, since this process has looked at the cards; for more: -D"
              + CudaDriver.PROPERTY
              + "=sim");
      return lines;
    }
    try {
      CudaDriver.simulated().devices().forEach(device -> lines.addAll(simulated(device)));
      lines.addAll(libraries.get());
    } catch (BackendException e) {
      lines.add("not started: " + e.getMessage());
    }
    return lines;
  }

  private static List<String> simulated(CudaDevice device) {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "sim:%d: %s, compute capability %s, %,d MB, supports CUDA %s",
            device.index(),
            device.name(),
            device.computeCapability(),
            device.memoryBytes() >> 20,
            CudaDriver.text(device.driver().version())));
    lines.addAll(images(KernelImages.describe(device)));
    return lines;
  }

  /** Files of the same image together, in lines that fit a terminal. */
  private static List<String> images(Map<String, String> byFile) {
    Map<String, List<String>> byImage = new TreeMap<>();
    byFile.forEach(
        (file, image) -> byImage.computeIfAbsent(image, i -> new ArrayList<>()).add(file));
    List<String> lines = new ArrayList<>();
    byImage.forEach(
        (image, files) -> {
          lines.add("  " + image + " (" + files.size() + " kernel files):");
          StringBuilder line = new StringBuilder("   ");
          for (String file : files) {
            if (line.length() + file.length() >= LINE) {
              lines.add(line.toString());
              line.setLength(0);
              line.append("   ");
            }
            line.append(' ').append(file);
          }
          lines.add(line.toString());
        });
    return lines;
  }
}
