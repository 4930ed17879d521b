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
import java.util.List;
import java.util.Map;
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

  private static boolean searched;
  private static Nvrtc found;

  private final Functions functions;
  private final String version;

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
    functions =
        Native.load(library, Functions.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));
    IntByReference major = new IntByReference();
    IntByReference minor = new IntByReference();
    functions.nvrtcVersion(major, minor);
    version = major.getValue() + "." + minor.getValue();
  }

  /** NVRTC, or null if there is none. */
  static synchronized Nvrtc find() {
    if (!searched) {
      searched = true;
      for (Path folder : folders()) {
        for (String name : NAMES) {
          if (found == null && Files.exists(folder.resolve(name))) {
            found = open(folder, folder.resolve(name).toString());
          }
        }
      }
      for (String name : NAMES) {
        if (found == null) {
          found = open(null, name);
        }
      }
    }
    return found;
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
        + " /usr/local/cuda/lib64, and no nvcc on the path; install NVIDIA's CUDA toolkit 12.0 or"
        + " later (package cuda-nvrtc), or name its folder with -D"
        + PROPERTY
        + "=FOLDER";
  }

  Functions functions() {
    return functions;
  }

  /** For example {@code 12.6}. */
  String version() {
    return version;
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
