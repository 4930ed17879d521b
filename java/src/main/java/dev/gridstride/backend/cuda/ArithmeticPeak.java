package dev.gridstride.backend.cuda;

import dev.gridstride.backend.Precision;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a card's multiprocessors can compute at best: operations a clock, by generation.
 *
 * <p>float32 is from the CUDA C++ Programming Guide, "Throughput of Native Arithmetic
 * Instructions", row of 32-bit floating-point add, multiply and multiply-add. The tensor cores'
 * dense rates with float32 accumulation are from NVIDIA's architecture papers (A100, GA102, Ada,
 * H100, Blackwell); GeForce cards have half of what the same generation's other cards have.
 */
final class ArithmeticPeak {
  /**
   * Multiply-adds of one multiprocessor in a clock.
   *
   * @param tf32 and bf16: of the tensor cores; 0 where there are none for it
   * @param halfOnGeForce whether GeForce cards have half of the tensor cores' rate
   */
  private record PerClock(int float32, int tf32, int bf16, boolean halfOnGeForce) {}

  private static final Map<String, PerClock> TABLE =
      Map.ofEntries(
          Map.entry("7.5", new PerClock(64, 0, 0, false)),
          Map.entry("8.0", new PerClock(64, 512, 1024, false)),
          Map.entry("8.6", new PerClock(128, 256, 512, true)),
          Map.entry("8.9", new PerClock(128, 256, 512, true)),
          Map.entry("9.0", new PerClock(128, 1024, 2048, false)),
          Map.entry("10.0", new PerClock(128, 2048, 4096, false)),
          Map.entry("12.0", new PerClock(128, 256, 512, true)));

  private ArithmeticPeak() {}

  /**
   * Operations a second, a multiply-add counted as two; empty for a generation that is not known.
   *
   * @param name the maker's name for the card
   */
  static Map<Precision, Double> flops(
      String name, ComputeCapability capability, int multiprocessors, double clockHz) {
    Map<Precision, Double> flops = new EnumMap<>(Precision.class);
    PerClock perClock = TABLE.get(capability.toString());
    if (perClock != null) {
      double each = 2.0 * multiprocessors * clockHz;
      double share = perClock.halfOnGeForce() && name.contains("GeForce") ? 0.5 : 1;
      flops.put(Precision.FLOAT32, each * perClock.float32());
      if (perClock.bf16() > 0) {
        flops.put(Precision.TF32, share * each * perClock.tf32());
        flops.put(Precision.BF16, share * each * perClock.bf16());
      }
    }
    return flops;
  }

  /** Where {@link #flops} are from. */
  static String source(ComputeCapability capability, int multiprocessors, double clockHz) {
    return TABLE.containsKey(capability.toString())
        ? String.format(
            Locale.ROOT,
            "%d multiprocessors at their highest clock of %.0f MHz, operations a clock of compute"
                + " capability %s (CUDA C++ Programming Guide; architecture papers for the tensor"
                + " cores)",
            multiprocessors,
            clockHz / 1e6,
            capability)
        : "not known of compute capability " + capability;
  }
}
