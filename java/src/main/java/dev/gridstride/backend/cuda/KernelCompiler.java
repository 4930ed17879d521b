package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Compiles CUDA C++ for a device. For a card that is NVIDIA's run-time compiler NVRTC, or {@code
 * nvcc} if there is no NVRTC; for the simulated device the C++ compiler of this machine. What was
 * compiled is kept in the user's cache folder and used again as long as source, headers, options
 * and compiler are the same. A line tells what is being compiled and how long it took.
 */
public abstract class KernelCompiler {
  /** The header that the project's kernels include, and others may. */
  static final String HEADER = "gridstride.cuh";

  private static volatile Consumer<String> messages = System.err::println;

  KernelCompiler() {}

  /** What a compiler made, and what it said. */
  static final class Output {
    private final byte[] code;
    private final String log;

    Output(byte[] code, String log) {
      this.code = code;
      this.log = log;
    }

    byte[] code() {
      return code;
    }

    String log() {
      return log;
    }
  }

  /**
   * The compiler for a device.
   *
   * @throws BackendException if none is found; the message says what to install
   */
  public static KernelCompiler of(CudaDevice device) {
    if (device.driver().isSimulated()) {
      return SimulatorCompiler.get();
    }
    ImageChoice.Card card = device.asCard();
    KernelCompiler found = find(card);
    if (found == null) {
      throw new BackendException("cuda: no compiler for " + device + ": " + Nvrtc.howToGet());
    }
    return found;
  }

  /** A compiler whose code a card and its driver take: NVRTC, or else nvcc; null for none. */
  static KernelCompiler find(ImageChoice.Card card) {
    Nvrtc nvrtc = Nvrtc.find(card);
    if (nvrtc != null) {
      return new NvrtcCompiler(nvrtc, card.capability());
    }
    Path nvcc = NvccCompiler.find();
    if (nvcc != null) {
      NvccCompiler compiler = new NvccCompiler(nvcc, card.capability());
      return compiler.fits(card) ? compiler : null;
    }
    return null;
  }

  /**
   * Compiles, or finds what was compiled before.
   *
   * @throws CompileException if it does not compile
   * @throws IllegalArgumentException if the checker is asked for on a card
   */
  public final KernelImage compile(KernelSource source, CompileOptions options) {
    requirePossible(source, options);
    String key = key(source, options);
    Output output = ImageCache.load(key);
    if (output == null) {
      long start = System.nanoTime();
      output = run(source, options);
      double seconds = (System.nanoTime() - start) / 1e9;
      String kept = ImageCache.store(key, output);
      messages.accept(
          String.format(
              Locale.ROOT,
              "compiled %s for %s%s with %s in %.2f s%s",
              source.name(),
              target(),
              options.checked() ? " with the checker" : "",
              name(),
              seconds,
              kept));
    }
    return new KernelImage(
        source.name(), output.code(), output.log(), KernelDeclarations.parse(source.text()));
  }

  /** Whether {@link #compile} would find what was compiled before. */
  final boolean isKept(KernelSource source, CompileOptions options) {
    return ImageCache.load(key(source, options)) != null;
  }

  private String key(KernelSource source, CompileOptions options) {
    return CacheKey.of(source, options, identity() + "\n" + target());
  }

  /** Name and version. */
  final String name() {
    return identity().lines().findFirst().orElse("");
  }

  /** A line for the user, as those about compiling. */
  static void tell(String line) {
    messages.accept(line);
  }

  /** Where the lines go that tell what was compiled; at first to the standard error stream. */
  public static void tellTo(Consumer<String> listener) {
    messages = Objects.requireNonNull(listener);
  }

  void requirePossible(KernelSource source, CompileOptions options) {
    if (options.checked()) {
      throw noChecker(source);
    }
  }

  static IllegalArgumentException noChecker(KernelSource source) {
    return new IllegalArgumentException(
        source
            + ": the checker works on the simulated device only; on a card use NVIDIA's"
            + " compute-sanitizer");
  }

  /** Name and version on the first line; all that makes its results differ. */
  abstract String identity();

  /** What it compiles for, for example {@code sm_90}. */
  abstract String target();

  /**
   * Compiles.
   *
   * @throws CompileException if that fails
   */
  abstract Output run(KernelSource source, CompileOptions options);

  /** The packaged header. */
  static String header() {
    String text = Resources.text(Resources.KERNELS + "include/" + HEADER);
    return text == null ? "" : text;
  }

  /** Folders to look for headers in: the source's own, then those of the options. */
  static List<Path> folders(KernelSource source, CompileOptions options) {
    List<Path> folders = new ArrayList<>();
    if (source.file() != null) {
      folders.add(source.file().getParent());
    }
    folders.addAll(options.includeFolders());
    return folders;
  }
}
