package dev.gridstride.backend.cuda;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import dev.gridstride.backend.BackendException;
import java.util.ArrayList;
import java.util.List;
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

  /** A card, as the driver tells. */
  record Card(int index, String name, ComputeCapability capability, long memoryBytes) {
    @Override
    public String toString() {
      return "device " + index + " (" + name + ")";
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
      throw new BackendException(DriverCures.explain("cuDeviceGetCount", Status.NO_DEVICE));
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
      throw new BackendException(DriverCures.explain(function, status));
    }
  }

  /**
   * Finds the driver and its cards.
   *
   * @throws BackendException if there is no driver, it is too old, or it finds no card; nothing
   *     stays loaded then
   */
  static synchronized InstalledDriver find() {
    if (found == null) {
      NativeLibrary library;
      try {
        library = NativeLibrary.getInstance(LIBRARY);
      } catch (UnsatisfiedLinkError e) {
        // JNA's message goes on with the whole class path.
        String reason = e.getMessage().lines().skip(1).findFirst().orElse(e.getMessage());
        throw new BackendException("no driver (" + reason + "); " + DriverCures.INSTALL);
      }
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
