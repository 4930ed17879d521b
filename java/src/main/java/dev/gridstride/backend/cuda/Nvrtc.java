package dev.gridstride.backend.cuda;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * NVIDIA's run-time compiler, if it is on this machine. Bound by JNA and not by JCuda, whose
 * library demands exactly version 12.
 */
final class Nvrtc {
  private static final String[] NAMES = {
    "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"
  };

  /** Names a folder or a file to look at first. */
  static final String PROPERTY = "gridstride.nvrtc";

  /** Names folders of CUDA's libraries, as for cuBLAS and cuDNN. */
  private static final String LIBRARIES = "GRIDSTRIDE_CUDA_LIBRARIES";

  /** Libraries that were tried, empty where one does not load. */
  private static final Map<String, Optional<Nvrtc>> OPENED = new HashMap<>();

  private static final String INSTALL =
      "install NVIDIA's CUDA toolkit 12.0 or later (package cuda-nvrtc), or name its folder with -D"
          + PROPERTY
          + "=FOLDER";

  private final Functions functions;
  private final String library;
  private final int number;

  /** Status 0 is success; sizes include the final zero. */
  interface Functions extends Library {
    int nvrtcVersion(IntByReference major, IntByReference minor);

    int nvrtcGetNumSupportedArchs(IntByReference count);

    int nvrtcGetSupportedArchs(int[] archs);

    String nvrtcGetErrorString(int status);

    int nvrtcCreateProgram(
        PointerByReference program,
        String source,
        String name,
        int headers,
        String[] headerTexts,
        String[] headerNames);

    int nvrtcCompileProgram(Pointer program, int count, String[] options);

    int nvrtcGetProgramLogSize(Pointer program, LongByReference size);

    int nvrtcGetProgramLog(Pointer program, byte[] log);

    int nvrtcGetCUBINSize(Pointer program, LongByReference size);

    int nvrtcGetCUBIN(Pointer program, byte[] cubin);

    int nvrtcGetPTXSize(Pointer program, LongByReference size);

    int nvrtcGetPTX(Pointer program, byte[] ptx);

    int nvrtcDestroyProgram(PointerByReference program);
  }

  private Nvrtc(String library) {
    this.library = library;
    functions =
        Native.load(library, Functions.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));
    IntByReference major = new IntByReference();
    IntByReference minor = new IntByReference();
    functions.nvrtcVersion(major, minor);
    number = 1000 * major.getValue() + 10 * minor.getValue();
  }

  /** The newest NVRTC, or null if there is none. */
  static Nvrtc find() {
    return first(nvrtc -> true);
  }

  /** The newest NVRTC whose code a card and its driver take, or null if there is none. */
  static Nvrtc find(ImageChoice.Card card) {
    return first(nvrtc -> nvrtc.fits(card));
  }

  /** One of a major version, or null if there is none. */
  static Nvrtc ofMajor(int major) {
    return first(nvrtc -> nvrtc.number / 1000 == major);
  }

  private boolean fits(ImageChoice.Card card) {
    List<ComputeCapability> targets = targets();
    boolean machineCode = targets.stream().anyMatch(card.capability()::runs);
    boolean possible = targets.get(0).compareTo(card.capability()) <= 0;
    return possible && fits(number, machineCode, card.driver());
  }

  /**
   * Whether a driver takes what an NVRTC makes. Machine code runs on drivers of the same major
   * version or a later one; PTX is compiled by the driver, which must be as new.
   */
  static boolean fits(int nvrtc, boolean machineCode, int driver) {
    return nvrtc <= driver || (machineCode && nvrtc / 1000 == driver / 1000);
  }

  private static synchronized Nvrtc first(Predicate<Nvrtc> wanted) {
    for (Path folder : folders()) {
      for (String name : NAMES) {
        Path file = folder.resolve(name);
        Nvrtc nvrtc = Files.exists(file) ? opened(folder, file.toString()) : null;
        if (nvrtc != null && wanted.test(nvrtc)) {
          return nvrtc;
        }
      }
    }
    for (String name : NAMES) {
      Nvrtc nvrtc = opened(null, name);
      if (nvrtc != null && wanted.test(nvrtc)) {
        return nvrtc;
      }
    }
    return null;
  }

  private static Nvrtc opened(Path folder, String library) {
    return OPENED.computeIfAbsent(library, l -> Optional.ofNullable(open(folder, l))).orElse(null);
  }

  /** Opens one library, or says null if it does not load. */
  private static Nvrtc open(Path folder, String library) {
    try {
      if (folder != null) {
        loadBuiltins(folder);
      }
      return new Nvrtc(library);
    } catch (UnsatisfiedLinkError e) {
      return null;
    }
  }

  /** NVRTC asks the linker for its builtins by name, and finds them if they are loaded already. */
  private static void loadBuiltins(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      files
          .filter(file -> file.getFileName().toString().startsWith("libnvrtc-builtins.so."))
          .forEach(file -> NativeLibrary.getInstance(file.toString()));
    } catch (IOException e) {
      // It may find them by itself.
      Log.debug("no builtins in " + folder, e);
    }
  }

  private static List<Path> folders() {
    List<Path> folders = new ArrayList<>();
    String told = System.getProperty(PROPERTY, "");
    if (!told.isEmpty()) {
      Path path = Path.of(told);
      folders.add(Files.isDirectory(path) ? path : path.toAbsolutePath().getParent());
    }
    for (String part : System.getenv().getOrDefault(LIBRARIES, "").split(":")) {
      if (!part.isBlank()) {
        folders.add(Path.of(part.strip()));
      }
    }
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String home = System.getenv(variable);
      if (home != null) {
        folders.add(Path.of(home, "lib64"));
      }
    }
    folders.add(Path.of("/usr/local/cuda/lib64"));
    return folders;
  }

  static String howToGet() {
    return "no NVRTC (libnvrtc.so.12 or .13) on the library path, in $CUDA_HOME/lib64 or"
        + " /usr/local/cuda/lib64, and no nvcc on the path; "
        + INSTALL;
  }

  /** For a report. */
  static String missing() {
    return "missing (libnvrtc.so.12 or .13); " + INSTALL;
  }

  Functions functions() {
    return functions;
  }

  /** Its file or name. */
  String library() {
    return library;
  }

  /** For example {@code 12.6}. */
  String version() {
    return CudaDriver.text(number);
  }

  /** The generations that it compiles for, lowest first. */
  List<ComputeCapability> targets() {
    IntByReference count = new IntByReference();
    functions.nvrtcGetNumSupportedArchs(count);
    int[] archs = new int[count.getValue()];
    functions.nvrtcGetSupportedArchs(archs);
    List<ComputeCapability> targets = new ArrayList<>();
    for (int arch : archs) {
      targets.add(new ComputeCapability(arch / 10, arch % 10));
    }
    targets.sort(null);
    return targets;
  }
}
