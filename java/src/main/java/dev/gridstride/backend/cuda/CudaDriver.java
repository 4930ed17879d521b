package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuDeviceGetCount;
import static jcuda.driver.JCudaDriver.cuDriverGetVersion;
import static jcuda.driver.JCudaDriver.cuInit;

import com.sun.jna.NativeLibrary;
import dev.gridstride.backend.BackendException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.JCudaDriver;

/**
 * The CUDA driver of this process: the one installed with a card, or the simulated device. A
 * process has room for one of them; which one is decided by the system property {@value #PROPERTY},
 * {@code card} or {@code sim}, or else by the first call of {@link #card} or {@link #simulated}.
 */
public final class CudaDriver {
  /**
   * System property that settles for a process which driver it loads: {@code card} for the
   * installed one, {@code sim} for the simulated device. Without it, whichever is opened first.
   */
  public static final String PROPERTY = "gridstride.libcuda";

  private static CudaDriver loaded;

  private final boolean simulated;
  private final NativeLibrary library;

  /** Whether cuInit has succeeded; until then each use tries again. */
  private boolean started;

  private CudaDriver(boolean simulated, NativeLibrary library) {
    this.simulated = simulated;
    this.library = library;
  }

  /**
   * The installed driver, for a real card.
   *
   * @throws BackendException if no driver is installed, it finds no card, or this process is for
   *     the simulated device; the message says how to mend it
   */
  public static CudaDriver card() {
    return open(false);
  }

  /**
   * The simulated device: kernels run on the CPU, checked if asked.
   *
   * @throws BackendException if it is not packaged for this machine, or this process is for the
   *     driver of a card
   */
  public static CudaDriver simulated() {
    return open(true);
  }

  /**
   * Why {@link #card} would fail and how to mend it, or null if it would not. Looks for the driver
   * and its cards, but leaves the process free for the simulated device.
   */
  public static String cardUnavailableReason() {
    String taken = takenReason(false);
    if (taken != null) {
      return taken;
    }
    try {
      return InstalledDriver.find().unusableReason();
    } catch (BackendException e) {
      return e.getMessage();
    }
  }

  /** Why this process cannot have this driver, whatever is installed, or null. */
  static synchronized String takenReason(boolean simulated) {
    if (loaded != null) {
      return loaded.simulated == simulated
          ? null
          : "this process runs "
              + loaded.kind()
              + " and cannot also run "
              + kind(simulated)
              + ", because a process has room for one "
              + InstalledDriver.LIBRARY
              + "; use another process";
    }
    String told = System.getProperty(PROPERTY, "");
    return switch (told) {
      case "" -> null;
      case "card", "sim" ->
          told.equals("sim") == simulated
              ? null
              : "this process is set to " + kind(!simulated) + " (-D" + PROPERTY + "=" + told + ")";
      default ->
          "system property " + PROPERTY + ": expected card or sim, got '" + told + "'; correct it";
    };
  }

  private static synchronized CudaDriver open(boolean simulated) {
    String taken = takenReason(simulated);
    if (taken != null) {
      throw new BackendException("cuda: " + taken);
    }
    if (loaded == null) {
      NativeLibrary library = simulated ? loadSimulated() : loadInstalled();
      // Every status is looked at here, so JCuda's own exceptions stay as the application has them.
      LibraryFiles.loadJCuda(JCudaDriver.class.getName());
      loaded = new CudaDriver(simulated, library);
    }
    loaded.start();
    return loaded;
  }

  /**
   * The driver for what the program has made by itself: the one opened before, else the installed
   * one, which the program must have loaded.
   */
  static synchronized CudaDriver ofProcess() {
    return loaded == null ? card() : loaded;
  }

  private void start() {
    if (!started) {
      call("cuInit", () -> "starting the driver", () -> cuInit(0));
      started = true;
    }
  }

  /** The driver that this process has loaded, or null. */
  static synchronized CudaDriver loaded() {
    return loaded;
  }

  private static NativeLibrary loadSimulated() {
    String problem = Simulator.unavailableReason();
    if (problem != null) {
      throw new BackendException("cuda: the simulated device is not available: " + problem);
    }
    try {
      InstalledDriver.release();
    } catch (BackendException e) {
      throw new BackendException("cuda: " + e.getMessage(), e);
    }
    Path file = NativeFolder.unpack(Resources.NATIVE, InstalledDriver.LIBRARY, "");
    try {
      // JCuda's library asks the linker for libcuda.so.1 by name and gets the one already there.
      System.load(file.toString());
      return NativeLibrary.getInstance(file.toString());
    } catch (UnsatisfiedLinkError e) {
      throw new BackendException(
          "cuda: the simulated device cannot be loaded from " + file + ": " + e.getMessage(), e);
    }
  }

  private static NativeLibrary loadInstalled() {
    try {
      return InstalledDriver.find().library();
    } catch (BackendException e) {
      throw new BackendException("cuda: " + e.getMessage(), e);
    }
  }

  /** Whether this is the simulated device. */
  public boolean isSimulated() {
    return simulated;
  }

  /** Highest CUDA version that the driver knows: 12060 means 12.6. */
  public int version() {
    int[] number = new int[1];
    call("cuDriverGetVersion", () -> "asking for the version", () -> cuDriverGetVersion(number));
    return number[0];
  }

  /** A version as CUDA counts it, for people: {@code 12.6} for 12060. */
  static String text(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  /** All devices. */
  public List<CudaDevice> devices() {
    List<CudaDevice> devices = new ArrayList<>();
    for (int i = 0; i < count(); i++) {
      devices.add(new CudaDevice(this, i));
    }
    return List.copyOf(devices);
  }

  private int count() {
    int[] count = new int[1];
    call("cuDeviceGetCount", () -> "counting devices", () -> cuDeviceGetCount(count));
    return count[0];
  }

  /**
   * Device number {@code index}, from 0.
   *
   * @throws BackendException if there is none
   */
  public CudaDevice device(int index) {
    int count = count();
    if (index < 0 || index >= count) {
      throw new BackendException("cuda: no device " + index + "; " + kind() + " has " + count);
    }
    return new CudaDevice(this, index);
  }

  /** The library itself, for functions that JCuda does not bind. */
  NativeLibrary library() {
    return library;
  }

  String kind() {
    return kind(simulated);
  }

  private static String kind(boolean simulated) {
    return simulated ? "the simulated device" : "the driver of a card";
  }

  /** Calls the driver where no device is involved yet. */
  void call(String name, Supplier<String> doing, IntSupplier call) {
    call(name, kind(), doing, call);
  }

  /**
   * Calls the driver.
   *
   * @throws CudaException if it fails
   */
  static void call(String name, String device, Supplier<String> doing, IntSupplier call) {
    int status = Status.of(call);
    if (status != Status.SUCCESS) {
      throw new CudaException(name, status, device, doing.get(), Simulator.lastErrorText());
    }
  }

  @Override
  public String toString() {
    return kind() + ", CUDA " + text(version());
  }
}
