package dev.gridstride.backend.cuda;

import com.sun.jna.Pointer;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Timing;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Watches a card's clocks, and what keeps them low, while something is measured. Where NVIDIA's
 * management library is missing it sees nothing and says so.
 */
public final class CardClocks {
  /**
   * Why clocks are low.
   *
   * @param bit as in NVML's {@code nvmlClocksEventReasons}
   * @param throttled whether times taken meanwhile are not the card's own: it is too hot or its
   *     supply too weak. At its power cap a card works as it always does under such a load.
   */
  private record Reason(long bit, String name, boolean throttled) {}

  private static final List<Reason> REASONS =
      List.of(
          new Reason(0x2, "application clocks", false),
          new Reason(0x4, "power cap", false),
          new Reason(0x8, "hardware slowdown", true),
          new Reason(0x10, "sync boost", false),
          new Reason(0x20, "heat", true),
          new Reason(0x40, "heat (hardware)", true),
          new Reason(0x80, "power brake", true),
          new Reason(0x100, "display clocks", false));

  private static final String NOT_WATCHED = "clocks and throttling not watched: ";

  private String problem;
  private final Nvml nvml;
  private final Pointer card;
  private final TreeSet<String> heldDown = new TreeSet<>();
  private int lowest;
  private int highest;
  private int memory;

  private CardClocks(String problem, Nvml nvml, Pointer card) {
    this.problem = problem;
    this.nvml = nvml;
    this.card = card;
  }

  /** Begins to watch. Sees nothing of the simulated device, which has no clocks. */
  public static CardClocks of(CudaDevice device) {
    if (device.driver().isSimulated()) {
      return new CardClocks("", null, null);
    }
    try {
      return of(Nvml.get(), device.pciBusId());
    } catch (BackendException e) {
      return new CardClocks(NOT_WATCHED + e.getMessage(), null, null);
    }
  }

  static CardClocks of(Nvml nvml, String pciBusId) {
    return new CardClocks("", nvml, nvml.card(pciBusId));
  }

  /** Why nothing is seen, or empty. */
  public String problem() {
    return problem;
  }

  /**
   * Looks at the clocks, while the card is at work. If the library refuses, that is the {@link
   * #problem}, and it is not asked again.
   *
   * @return whether the card is throttled, so that times taken now do not count
   */
  public boolean look() {
    if (nvml == null || !problem.isEmpty()) {
      return false;
    }
    try {
      note(nvml.processorMhz(card), nvml.memoryMhz(card));
      return note(nvml.reasons(card));
    } catch (BackendException e) {
      problem = NOT_WATCHED + e.getMessage();
      return false;
    }
  }

  private void note(int processorMhz, int memoryMhz) {
    lowest = lowest == 0 ? processorMhz : Math.min(lowest, processorMhz);
    highest = Math.max(highest, processorMhz);
    memory = memoryMhz;
  }

  private boolean note(long reasons) {
    boolean throttled = false;
    for (Reason reason : REASONS) {
      if ((reasons & reason.bit()) != 0) {
        heldDown.add(reason.name());
        throttled |= reason.throttled();
      }
    }
    return throttled;
  }

  /** What was seen so far. */
  public Timing.Clocks seen() {
    return nvml == null
        ? Timing.Clocks.UNKNOWN
        : new Timing.Clocks(lowest, highest, memory, new ArrayList<>(heldDown));
  }
}
