package dev.gridstride.backend.cuda;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.gridstride.backend.BackendException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import jcuda.driver.CUdevice_attribute;

/**
 * The installed driver, looked at without JCuda, so that it can be given up again: a process has
 * room for one {@code libcuda.so.1}, and looking for a card must not bar the simulated device.
 */
final class InstalledDriver {
  static final String LIBRARY = "libcuda.so.1";

  /** CUDA 12.0: what JCuda's library and our calls need. */
  static final int LOWEST_VERSION = 12000;

  private static final int NAME_BYTES = 256;
  private static final int RTLD_LAZY = 1;
  private static final int RTLD_NOLOAD = 4;

  private static InstalledDriver found;

  /** Why the library is not there, once it was looked for in vain. */
  private static String missing;

  /** A card, as the driver tells. */
  record Card(int index, String name, ComputeCapability capability, long memoryBytes) {
    @Override
    public String toString() {
      return "device " + index + " (" + name + ")";
    }

    ImageChoice.Card forImages(int driverVersion) {
      return new ImageChoice.Card(toString(), capability, driverVersion);
    }
  }

  private final NativeLibrary library;
  private final int version;
  private final List<Card> cards;

  private InstalledDriver(NativeLibrary library) {
    this.library = library;
    if (Simulator.isSimulator(library)) {
      throw new BackendException(
          "the system's "
              + LIBRARY
              + " ("
              + library.getFile()
              + ") is the simulated device; remove it from the library path, or use the device sim");
    }
    IntByReference number = new IntByReference();
    call("cuDriverGetVersion", number);
    version = number.getValue();
    requireVersion(version);
    call("cuInit", 0);
    call("cuDeviceGetCount", number);
    List<Card> list = new ArrayList<>();
    for (int i = 0; i < number.getValue(); i++) {
      list.add(card(i));
    }
    cards = List.copyOf(list);
    if (cards.isEmpty()) {
      throw failure("cuDeviceGetCount", Status.NO_DEVICE);
    }
  }

  private Card card(int index) {
    IntByReference number = new IntByReference();
    call("cuDeviceGet", number, index);
    int device = number.getValue();
    Memory name = new Memory(NAME_BYTES);
    call("cuDeviceGetName", name, NAME_BYTES, device);
    call(
        "cuDeviceGetAttribute",
        number,
        CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
        device);
    int major = number.getValue();
    call(
        "cuDeviceGetAttribute",
        number,
        CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        device);
    LongByReference bytes = new LongByReference();
    call("cuDeviceTotalMem_v2", bytes, device);
    return new Card(
        index,
        name.getString(0),
        new ComputeCapability(major, number.getValue()),
        bytes.getValue());
  }

  private void call(String function, Object... arguments) {
    int status;
    try {
      status = library.getFunction(function).invokeInt(arguments);
    } catch (UnsatisfiedLinkError e) {
      throw new BackendException(
          library.getFile() + " has no " + function + ": it is no CUDA driver, or too old", e);
    }
    if (status != Status.SUCCESS) {
      throw failure(function, status);
    }
  }

  private static BackendException failure(String call, int code) {
    return new BackendException(
        call + " failed: " + Status.name(code) + " (" + code + "): " + Cures.of(call, code));
  }

  /**
   * Finds the driver and its cards.
   *
   * @throws BackendException if there is no driver, it is too old, or it finds no card; nothing
   *     stays loaded then
   */
  static synchronized InstalledDriver find() {
    if (found == null) {
      NativeLibrary library = load();
      boolean complete = false;
      try {
        found = new InstalledDriver(library);
        complete = true;
      } finally {
        if (!complete) {
          library.close();
        }
      }
    }
    return found;
  }

  private static NativeLibrary load() {
    if (missing == null) {
      try {
        return NativeLibrary.getInstance(LIBRARY);
      } catch (UnsatisfiedLinkError e) {
        // JNA's message goes on with the whole class path.
        String reason = e.getMessage().lines().skip(1).findFirst().orElse(e.getMessage());
        missing = "no driver (" + reason + "); " + Cures.INSTALL;
      }
    }
    throw new BackendException(missing);
  }

  /**
   * Gives the library up.
   *
   * @throws BackendException if the process keeps it nevertheless
   */
  static synchronized void release() {
    if (found != null) {
      found.library.close();
      found = null;
    }
    Pointer kept =
        (Pointer)
            NativeLibrary.getProcess()
                .getFunction("dlopen")
                .invoke(Pointer.class, new Object[] {LIBRARY, RTLD_LAZY | RTLD_NOLOAD});
    if (kept != null) {
      throw new BackendException(
          "this process has looked for a card and keeps "
              + LIBRARY
              + " loaded; say before it starts that it shall use the simulated device: -D"
              + CudaDriver.PROPERTY
              + "=sim");
    }
  }

  /**
   * Checks a version as cuDriverGetVersion tells it.
   *
   * @throws BackendException if the driver is too old for everything here
   */
  static void requireVersion(int version) {
    if (version < LOWEST_VERSION) {
      throw new BackendException(
          "the driver is too old: it supports CUDA "
              + CudaDriver.text(version)
              + ", needed is CUDA "
              + CudaDriver.text(LOWEST_VERSION)
              + " (driver 525) or later; update NVIDIA's driver");
    }
  }

  /** Why no card here runs the kernels and how to mend it, or null if one does. */
  String unusableReason() {
    List<Card> fit = cards.stream().filter(card -> card.capability().isSupported()).toList();
    if (fit.isEmpty()) {
      return cards.get(0).capability().tooLow(cards.get(0).toString());
    }
    return KernelImages.problem(fit.get(0).forImages(version));
  }

  /** Free memory of a card in words, or why it is not known. Opens a context for a moment. */
  String free(Card card) {
    PointerByReference context = new PointerByReference();
    LongByReference free = new LongByReference();
    try {
      call("cuCtxCreate_v2", context, 0, card.index());
      try {
        call("cuMemGetInfo_v2", free, new LongByReference());
      } finally {
        call("cuCtxDestroy_v2", context.getValue());
      }
      return String.format(Locale.ROOT, "%,d MB free", free.getValue() >> 20);
    } catch (BackendException e) {
      return "free memory not known: " + e.getMessage();
    }
  }

  /** Whether {@link #find} has found cards, so that the library is loaded. */
  static synchronized boolean isFound() {
    return found != null;
  }

  /** Where the library is. */
  String file() {
    return library.getFile().toString();
  }

  NativeLibrary library() {
    return library;
  }

  /** 12060 means CUDA 12.6. */
  int version() {
    return version;
  }

  List<Card> cards() {
    return cards;
  }
}
