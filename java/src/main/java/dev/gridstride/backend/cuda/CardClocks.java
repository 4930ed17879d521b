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

  private final String problem;
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

  /** Begins to watch; without a look at the simulated device, which has no clocks. */
  public static CardClocks of(CudaDevice device) {
    return device.driver().isSimulated() ? new CardClocks("", null, null) : at(device.pciBusId());
  }

  static CardClocks at(String pciBusId) {
    try {
      Nvml nvml = Nvml.get();
      return new CardClocks("", nvml, nvml.card(pciBusId));
    } catch (BackendException e) {
      return new CardClocks("clocks and throttling not watched: " + e.getMessage(), null, null);
    }
  }

  /** Why nothing is seen, or empty. */
  public String problem() {
    return problem;
  }

  /**
   * Looks at the clocks, while the card is at work.
   *
   * @return whether the card is throttled, so that times taken now do not count
   * @throws BackendException if the library fails
   */
  public boolean look() {
    if (nvml == null) {
      return false;
    }
    int now = nvml.processorMhz(card);
    lowest = lowest == 0 ? now : Math.min(lowest, now);
    highest = Math.max(highest, now);
    memory = nvml.memoryMhz(card);
    long reasons = nvml.throttleReasons(card);
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
