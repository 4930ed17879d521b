package dev.gridstride.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.dnnl_get_effective_cpu_isa;
import static org.bytedeco.dnnl.global.dnnl.dnnl_version;

import dev.gridstride.backend.BackendException;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;

/** Loads oneDNN and says what it is. */
final class OneDnn {
  private static final Map<Integer, String> STATUS =
      Map.of(
          1, "out_of_memory",
          2, "invalid_arguments",
          3, "unimplemented",
          4, "last_impl_reached",
          5, "runtime_error",
          6, "not_required");

  private static OneDnn instance;

  private final Path library;
  private final engine cpu;

  private OneDnn() {
    // JavaCPP's limits know nothing of memory that oneDNN takes; this backend does its own
    // accounting.
    System.setProperty("org.bytedeco.javacpp.maxBytes", "0");
    System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    library = Path.of(Loader.load(dnnl.class));
    cpu = new engine(engine.kind.cpu, 0);
  }

  /**
   * Loads the native libraries on first use.
   *
   * @throws BackendException if they cannot be loaded
   */
  static synchronized OneDnn get() {
    if (instance == null) {
      try {
        instance = new OneDnn();
      } catch (LinkageError | RuntimeException e) {
        throw new BackendException(
            "oneDNN cannot be loaded: "
                + e.getMessage()
                + "; it needs Linux x86-64 with glibc 2.34 or later and a writable folder for its"
                + " libraries (~/.javacpp, or set org.bytedeco.javacpp.cachedir)",
            e);
      }
    }
    return instance;
  }

  engine engine() {
    return cpu;
  }

  /** Where the native libraries were unpacked to. */
  static Path folder() {
    return get().library.getParent();
  }

  /** For example {@code 3.11.0}. */
  static String version() {
    dnnl_version_t version = dnnl_version();
    return version.major() + "." + version.minor() + "." + version.patch();
  }

  /** The instruction set oneDNN generates code for, for example {@code AVX2}. */
  static String instructionSet() {
    int isa = dnnl_get_effective_cpu_isa();
    for (dnnl.cpu_isa known : dnnl.cpu_isa.values()) {
      if (known.value == isa) {
        return known.name().toUpperCase(java.util.Locale.ROOT);
      }
    }
    return "ISA " + isa;
  }

  static void check(int status, String call) {
    if (status != 0) {
      throw new BackendException(
          "oneDNN: "
              + call
              + " failed: "
              + STATUS.getOrDefault(status, "status " + status)
              + " (set ONEDNN_VERBOSE=all to see why)");
    }
  }
}
