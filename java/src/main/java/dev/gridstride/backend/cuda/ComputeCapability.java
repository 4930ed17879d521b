package dev.gridstride.backend.cuda;

import java.util.Comparator;

/**
 * A card's generation, which says what machine code it runs.
 *
 * @param major cubins of another major number do not run
 * @param minor cubins of a higher minor number do not run
 */
public record ComputeCapability(int major, int minor) implements Comparable<ComputeCapability> {
  /** The lowest that the project's kernels are built for: Turing, 2018. */
  public static final ComputeCapability LOWEST = new ComputeCapability(7, 5);

  /** Reads {@code 9.0}, or {@code sm_90} as compilers write it. */
  public static ComputeCapability parse(String text) {
    String digits = text.startsWith("sm_") ? text.substring(3) : text.replace(".", "");
    if (!digits.matches("[0-9]{2,3}")) {
      throw new IllegalArgumentException(
          "compute capability " + text + ": expected MAJOR.MINOR or sm_NN, for example 9.0");
    }
    int number = Integer.parseInt(digits);
    return new ComputeCapability(number / 10, number % 10);
  }

  /** As compilers write it, for example {@code sm_90}. */
  public String arch() {
    return "sm_" + major + minor;
  }

  /** Whether a card of this generation runs machine code made for {@code code}. */
  public boolean runs(ComputeCapability code) {
    return code.major == major && code.minor <= minor;
  }

  /** Whether the project's kernels are for cards of this generation. */
  boolean isSupported() {
    return compareTo(LOWEST) >= 0;
  }

  /** Why a device of this generation is refused. */
  String tooLow(String device) {
    return device
        + " has compute capability "
        + this
        + "; the kernels need "
        + LOWEST
        + " (Turing) or later: use another card (cuda:1 is the second) or --device cpu";
  }

  @Override
  public int compareTo(ComputeCapability other) {
    return Comparator.comparingInt(ComputeCapability::major)
        .thenComparingInt(ComputeCapability::minor)
        .compare(this, other);
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
