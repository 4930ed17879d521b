package dev.gridstride.backend.cuda.vendor;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.LibraryException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/** NVIDIA's cuBLAS and cuDNN for one context, each opened when it is first asked for. */
public final class VendorLibraries implements AutoCloseable {
  private static final String OVERRIDE = "NVIDIA_TF32_OVERRIDE";

  private final CudaContext context;

  /** Why a library is not to be had, so that it is looked for once. */
  private final Map<NvidiaLibrary, String> missing = new EnumMap<>(NvidiaLibrary.class);

  private final List<LoadedLibrary> opened = new ArrayList<>();
  private Cublas cublas;
  private Cudnn cudnn;

  /** Opens nothing yet. */
  public VendorLibraries(CudaContext context) {
    this.context = context;
  }

  /**
   * cuBLAS.
   *
   * @throws LibraryException if it is there but cannot be opened for the context
   * @throws BackendException if it is missing or of another version: what is wanted, what was
   *     found, and the cure
   */
  public Cublas cublas() {
    if (cublas == null) {
      cublas = open(NvidiaLibrary.CUBLAS, version -> Cublas.open(context, version));
    }
    return cublas;
  }

  /**
   * cuDNN.
   *
   * @throws LibraryException if it is there but cannot be opened for the context
   * @throws BackendException if it is missing or of another version: what is wanted, what was
   *     found, and the cure
   */
  public Cudnn cudnn() {
    if (cudnn == null) {
      cudnn = open(NvidiaLibrary.CUDNN, version -> Cudnn.open(context));
    }
    return cudnn;
  }

  private <T> T open(NvidiaLibrary wanted, Function<LibraryVersion, T> handle) {
    LoadedLibrary library = load(wanted);
    T made = handle.apply(library.version());
    opened.add(library);
    return made;
  }

  private LoadedLibrary load(NvidiaLibrary wanted) {
    String problem = missing.get(wanted);
    if (problem != null) {
      throw new BackendException(problem);
    }
    try {
      return LibrarySearch.load(wanted, context.device().driver().isSimulated());
    } catch (BackendException e) {
      missing.put(wanted, e.getMessage());
      throw e;
    }
  }

  /** The version of cuBLAS, for which it is loaded but not opened; null if it is missing. */
  public String cublasVersion() {
    return version(NvidiaLibrary.CUBLAS);
  }

  /** The version of cuDNN, for which it is loaded but not opened; null if it is missing. */
  public String cudnnVersion() {
    return version(NvidiaLibrary.CUDNN);
  }

  private String version(NvidiaLibrary wanted) {
    try {
      return load(wanted).version().toString();
    } catch (BackendException e) {
      return null;
    }
  }

  /**
   * Why NVIDIA's libraries would not multiply float32 as wanted because of the variable {@code
   * NVIDIA_TF32_OVERRIDE}, which they read for themselves; null if they would.
   *
   * @param tf32 whether TF32 is wanted; else float32
   */
  public static String tf32Problem(boolean tf32) {
    return tf32Problem(tf32, System.getenv(OVERRIDE));
  }

  static String tf32Problem(boolean tf32, String override) {
    if (override == null || override.equals("0") != tf32) {
      return null;
    }
    return OVERRIDE
        + "="
        + override
        + (tf32
            ? " switches TF32 off in NVIDIA's libraries; unset it"
            : " may make NVIDIA's libraries round float32 to TF32; unset it, or ask for --precision"
                + " tf32");
  }

  /** What was opened: name, version, file, one a library; empty at first. */
  public List<String> describe() {
    return opened.stream().map(LoadedLibrary::toString).toList();
  }

  /** Versions of those that were opened, by name: {@code cublas}, {@code cudnn}. */
  public Map<String, String> versions() {
    Map<String, String> versions = new TreeMap<>();
    opened.forEach(
        one ->
            versions.put(one.library().title().toLowerCase(Locale.ROOT), one.version().toString()));
    return versions;
  }

  /**
   * For reports of cards: what is found on this machine, a line a library. Nothing stays loaded
   * that this process can give up.
   */
  public static List<String> report() {
    return Stream.of(NvidiaLibrary.values()).map(LibrarySearch::describe).toList();
  }

  /** For reports of the simulated device, which must be running. */
  public static List<String> simulatedReport() {
    List<String> lines = new ArrayList<>();
    for (NvidiaLibrary library : NvidiaLibrary.values()) {
      try {
        lines.add(LibrarySearch.load(library, true).line());
      } catch (BackendException e) {
        lines.add(e.getMessage());
      }
    }
    return lines;
  }

  /** Closes what was opened. Never throws. */
  @Override
  public void close() {
    if (cublas != null) {
      cublas.close();
      cublas = null;
    }
    if (cudnn != null) {
      cudnn.close();
      cudnn = null;
    }
    opened.clear();
  }
}
