package dev.gridstride.backend.cuda;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import dev.gridstride.backend.BackendException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Settings, injected faults and counters of the simulated device. They are of the process: all its
 * contexts share them.
 *
 * <p>The simulated device runs work as late as it may, in an order drawn from a seed, so that a
 * missing wait gives wrong data; with images compiled for the checker it also names out-of-bounds
 * and misaligned access, races, missing barriers and reads of unset memory. {@link #limits} lists
 * what it cannot show.
 */
public final class Simulator {
  private static final String CONTROL = "gridstride_sim_set";

  /** What the account begins with, and messages have already. */
  private static final Pattern CALL_AND_CODE = Pattern.compile("^cu\\w+: CU\\w+ \\(\\d+\\): ");

  private static Simulator instance;

  private final Control control;

  /** The functions that our libcuda exports beside CUDA's. */
  private interface Control extends Library {
    int gridstride_sim_set(String key, String value);

    int gridstride_sim_fault(String call, long nth, int code);

    void gridstride_sim_clear_faults();

    void gridstride_sim_start_trace();

    String gridstride_sim_end_trace();

    String gridstride_sim_last_error();

    long gridstride_sim_count(String what);

    String gridstride_sim_limits();
  }

  private Simulator(NativeLibrary library) {
    control =
        Native.load(
            library.getFile().toString(),
            Control.class,
            Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));
  }

  /**
   * Loads the simulated device, as {@link CudaDriver#simulated} does.
   *
   * @throws BackendException if it is not available
   */
  public static Simulator get() {
    return of(CudaDriver.simulated());
  }

  private static synchronized Simulator of(CudaDriver driver) {
    if (instance == null) {
      instance = new Simulator(driver.library());
    }
    return instance;
  }

  /** Why there is no simulated device here and how to get one, or null if there is one. */
  public static String unavailableReason() {
    String taken = CudaDriver.takenReason(true);
    if (taken != null) {
      return taken;
    }
    return isPackaged() ? null : notPackaged();
  }

  /** Whether this build has it. */
  static boolean isPackaged() {
    return Resources.exists(Resources.NATIVE + "libcuda.so.1");
  }

  static String notPackaged() {
    return "left out of this build for "
        + Resources.platform()
        + "; build with g++ and CMake on the path (see native/README.md)";
  }

  static boolean isSimulator(NativeLibrary library) {
    try {
      library.getGlobalVariableAddress(CONTROL);
      return true;
    } catch (UnsatisfiedLinkError e) {
      return false;
    }
  }

  /** The simulated device's account of the last failure, or empty on a card. */
  static String lastErrorText() {
    CudaDriver driver = CudaDriver.loaded();
    if (driver == null || !driver.isSimulated()) {
      return "";
    }
    return CALL_AND_CODE.matcher(of(driver).lastError()).replaceFirst("");
  }

  static String lastErrorSuffix() {
    String text = lastErrorText();
    return text.isEmpty() ? "" : ": " + text;
  }

  /**
   * Changes a setting. Keys: {@code devices} (how many there are), {@code memory} (bytes of each,
   * or with K, M or G), {@code compute_capability} (for example 9.0), {@code driver_version}
   * (12.6), {@code seed}, {@code verbose} (1: every failure is printed), {@code empty_launches} (1:
   * kernels and graphs do nothing). The number of devices and the compute capability can be changed
   * only while no context is open.
   *
   * @throws IllegalArgumentException if the device does not know the key or refuses the value
   */
  public void set(String key, String value) {
    int status = control.gridstride_sim_set(key, value);
    if (status != Status.SUCCESS) {
      throw new IllegalArgumentException(
          "simulated device: setting " + key + " = " + value + " refused: " + lastError());
    }
  }

  /** Seed of the order of threads, blocks, copies and graph nodes; 0 is the program's order. */
  public void seed(long seed) {
    set("seed", Long.toString(seed));
  }

  /** Memory of each device in bytes, so that running out of it can be tested. */
  public void memory(long bytes) {
    set("memory", Long.toString(bytes));
  }

  /** The generation of card to be; only while no context is open. */
  public void computeCapability(ComputeCapability capability) {
    set("compute_capability", capability.toString());
  }

  /**
   * Makes a call fail, once.
   *
   * @param call a function of the driver, cuBLAS or cuDNN, for example {@code cuMemAlloc_v2}, or a
   *     kind: {@code alloc}, {@code copy}, {@code launch}, {@code module}, {@code sync}, {@code
   *     library}, {@code any}
   * @param nth which of the calls from now on, from 1
   * @param code the status that it returns; of a kind the driver's, for which a library has a
   *     status of its own
   */
  public void fault(String call, long nth, int code) {
    int status = control.gridstride_sim_fault(call, nth, code);
    if (status != Status.SUCCESS) {
      throw new IllegalArgumentException(
          "simulated device: fault in " + call + " refused: " + lastError());
    }
  }

  /** Forgets faults that have not happened yet. */
  public void clearFaults() {
    control.gridstride_sim_clear_faults();
  }

  /** Begins to note which functions of the driver and of libraries are called. */
  public void startTrace() {
    control.gridstride_sim_start_trace();
  }

  /**
   * Ends {@link #startTrace}: the functions in the order of their calls, by any thread. A run that
   * repeats these calls has its {@code n}th fail after {@code fault("any", n, code)}.
   */
  public List<String> endTrace() {
    return control.gridstride_sim_end_trace().lines().toList();
  }

  /**
   * How many there are now of {@code allocations}, {@code pinned}, {@code modules}, {@code
   * streams}, {@code events}, {@code graphs}, {@code contexts}, {@code cublas_handles}, {@code
   * cudnn_handles}, {@code cudnn_descriptors} (-1: that library is not loaded); or how often a
   * function, or {@code launches}, was called.
   */
  public long count(String what) {
    return control.gridstride_sim_count(what);
  }

  /** Full account of the last failure: kernel, block, thread, address, file and line. */
  public String lastError() {
    String text = control.gridstride_sim_last_error();
    return text == null ? "" : text.strip();
  }

  /** What the simulated device cannot show, one a line. */
  public String limits() {
    return control.gridstride_sim_limits();
  }
}
