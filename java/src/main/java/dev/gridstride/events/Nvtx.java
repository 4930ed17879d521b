package dev.gridstride.events;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** NVTX's library. A profiler that starts the program puts itself behind its functions. */
final class Nvtx {
  /** Names a file to take. */
  static final String PROPERTY = "gridstride.nvtx";

  /** Of CUDA 12.9 and later, and of earlier ones. */
  private static final List<String> NAMES = List.of("libnvtx3interop.so.1", "libnvToolsExt.so.1");

  private static final NativeLibrary LIBRARY = load();

  /** The functions, bound so that calls make no objects. */
  private static final class Functions {
    static {
      Native.register(Functions.class, LIBRARY);
    }

    private Functions() {}

    static native int nvtxRangePushA(long name);

    static native int nvtxRangePop();
  }

  private Nvtx() {}

  private static NativeLibrary load() {
    List<String> candidates = new ArrayList<>();
    String told = System.getProperty(PROPERTY, "");
    if (!told.isEmpty()) {
      candidates.add(told);
    }
    candidates.addAll(NAMES);
    String home = System.getenv("CUDA_HOME");
    for (String folder : List.of(home == null ? "" : home + "/lib64", "/usr/local/cuda/lib64")) {
      NAMES.stream()
          .map(name -> folder + "/" + name)
          .filter(file -> new File(file).exists())
          .forEach(candidates::add);
    }
    for (String candidate : candidates) {
      try {
        NativeLibrary library = NativeLibrary.getInstance(candidate);
        library.getFunction("nvtxRangePushA");
        library.getFunction("nvtxRangePop");
        return library;
      } catch (UnsatisfiedLinkError e) {
        // The next one, or none: ranges are for profilers only.
      }
    }
    return null;
  }

  static boolean isPresent() {
    return LIBRARY != null;
  }

  static void push(long name) {
    Functions.nvtxRangePushA(name);
  }

  static void pop() {
    Functions.nvtxRangePop();
  }

  static String describe() {
    return LIBRARY != null
        ? LIBRARY.getFile() + ", profilers show epochs, steps and compiles"
        : "missing ("
            + String.join(" or ", NAMES)
            + "), so that profilers show no epochs and steps; it is in NVIDIA's CUDA toolkit"
            + " (package cuda-nvtx), or name its file with -D"
            + PROPERTY
            + "=FILE";
  }
}
