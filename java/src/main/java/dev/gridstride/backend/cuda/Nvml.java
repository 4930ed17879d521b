package dev.gridstride.backend.cuda;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.gridstride.backend.BackendException;

/** NVIDIA's management library, which comes with the driver. Absent in some containers. */
final class Nvml {
  /** Names a file to take. */
  static final String PROPERTY = "gridstride.nvml";

  static final String LIBRARY = "libnvidia-ml.so.1";

  private static final int SUCCESS = 0;
  private static final int CLOCK_SM = 1;
  private static final int CLOCK_MEMORY = 2;

  private static Nvml found;

  /** Why it is not there, once it was looked for in vain. */
  private static String missing;

  private final Functions functions;

  /** Status 0 is success. */
  interface Functions extends Library {
    int nvmlInit_v2();

    int nvmlDeviceGetHandleByPciBusId_v2(String bus, PointerByReference device);

    int nvmlDeviceGetClockInfo(Pointer device, int clock, IntByReference megahertz);

    /** Renamed in driver 535, which keeps this name too. */
    int nvmlDeviceGetCurrentClocksThrottleReasons(Pointer device, LongByReference reasons);

    String nvmlErrorString(int status);
  }

  private Nvml(String library) {
    functions = Native.load(library, Functions.class);
    check("nvmlInit_v2", functions.nvmlInit_v2());
  }

  /**
   * The library.
   *
   * @throws BackendException if it is not there or does not work
   */
  static synchronized Nvml get() {
    if (found == null && missing == null) {
      try {
        found = new Nvml(System.getProperty(PROPERTY, LIBRARY));
      } catch (UnsatisfiedLinkError e) {
        // JNA's message goes on with the whole class path.
        missing = e.getMessage().lines().findFirst().orElse("it does not load");
      } catch (BackendException e) {
        missing = e.getMessage();
      }
    }
    if (found == null) {
      throw new BackendException(
          "no " + LIBRARY + " (" + missing + "); it comes with NVIDIA's driver");
    }
    return found;
  }

  private void check(String call, int status) {
    if (status != SUCCESS) {
      throw new BackendException(
          "NVML: " + call + " failed: " + functions.nvmlErrorString(status) + " (" + status + ")");
    }
  }

  /** The card that is plugged in there. */
  Pointer card(String pciBusId) {
    PointerByReference card = new PointerByReference();
    check(
        "nvmlDeviceGetHandleByPciBusId_v2(" + pciBusId + ")",
        functions.nvmlDeviceGetHandleByPciBusId_v2(pciBusId, card));
    return card.getValue();
  }

  /** Clock of the multiprocessors now. */
  int processorMhz(Pointer card) {
    return clock(card, CLOCK_SM);
  }

  /** Clock of the memory now. */
  int memoryMhz(Pointer card) {
    return clock(card, CLOCK_MEMORY);
  }

  private int clock(Pointer card, int clock) {
    IntByReference megahertz = new IntByReference();
    check("nvmlDeviceGetClockInfo", functions.nvmlDeviceGetClockInfo(card, clock, megahertz));
    return megahertz.getValue();
  }

  /** What keeps the clocks from being higher now, as a set of bits; see {@link CardClocks}. */
  long throttleReasons(Pointer card) {
    LongByReference reasons = new LongByReference();
    check(
        "nvmlDeviceGetCurrentClocksThrottleReasons",
        functions.nvmlDeviceGetCurrentClocksThrottleReasons(card, reasons));
    return reasons.getValue();
  }
}
