package dev.gridstride.backend.cuda;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.gridstride.backend.BackendException;

/** NVIDIA's management library, which comes with the driver. Absent in some containers. */
final class Nvml {
  /** Names a file to take. */
  static final String PROPERTY = "gridstride.nvml";

  private static final String LIBRARY = "libnvidia-ml.so.1";
  private static final int SUCCESS = 0;
  private static final int CLOCK_SM = 1;
  private static final int CLOCK_MEMORY = 2;

  private static Nvml found;

  /** Why it is not there, once it was looked for in vain. */
  private static String missing;

  private final NativeLibrary library;
  private final Function reasons;

  private Nvml(String name) {
    library = NativeLibrary.getInstance(name);
    reasons = reasons();
    check("nvmlInit_v2", library.getFunction("nvmlInit_v2").invokeInt(new Object[0]));
  }

  /** The function was renamed in driver 535. */
  private Function reasons() {
    try {
      return library.getFunction("nvmlDeviceGetCurrentClocksEventReasons");
    } catch (UnsatisfiedLinkError e) {
      return library.getFunction("nvmlDeviceGetCurrentClocksThrottleReasons");
    }
  }

  /**
   * The library of this machine.
   *
   * @throws BackendException if it is not there or does not work
   */
  static synchronized Nvml get() {
    if (found == null && missing == null) {
      try {
        found = open(System.getProperty(PROPERTY, LIBRARY));
      } catch (BackendException e) {
        missing = e.getMessage();
      }
    }
    if (found == null) {
      throw new BackendException(missing);
    }
    return found;
  }

  /** A library by its name or file. */
  static Nvml open(String name) {
    String problem;
    try {
      return new Nvml(name);
    } catch (UnsatisfiedLinkError e) {
      // JNA's message goes on with the whole class path.
      problem = e.getMessage().lines().skip(1).findFirst().orElse(e.getMessage());
    } catch (BackendException e) {
      problem = e.getMessage();
    }
    throw new BackendException(
        "no "
            + name
            + " ("
            + problem
            + "); it comes with NVIDIA's driver, or name its file with -D"
            + PROPERTY
            + "=FILE");
  }

  private void call(String name, Object... arguments) {
    check(name, library.getFunction(name).invokeInt(arguments));
  }

  private void check(String call, int status) {
    if (status != SUCCESS) {
      String text =
          library.getFunction("nvmlErrorString").invokeString(new Object[] {status}, false);
      throw new BackendException(call + " failed: " + text + " (" + status + ")");
    }
  }

  /** The card that is plugged in there. */
  Pointer card(String pciBusId) {
    PointerByReference card = new PointerByReference();
    call("nvmlDeviceGetHandleByPciBusId_v2", pciBusId, card);
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
    call("nvmlDeviceGetClockInfo", card, clock, megahertz);
    return megahertz.getValue();
  }

  /** What keeps the clocks from being higher now, as a set of bits; see {@link CardClocks}. */
  long reasons(Pointer card) {
    LongByReference bits = new LongByReference();
    check(reasons.getName(), reasons.invokeInt(new Object[] {card, bits}));
    return bits.getValue();
  }

  /** For a report. */
  static String describe() {
    try {
      return get().library.getFile() + ", clocks and throttling are watched by benchmarks";
    } catch (BackendException e) {
      return "missing, so that benchmarks cannot tell whether the card was throttled: "
          + e.getMessage();
    }
  }
}
