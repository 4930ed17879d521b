package dev.gridstride.backend;

import java.util.Locale;

/**
 * How a device multiplies in convolutions and matrix products. Weights, sums and all else are
 * float32 in each.
 */
public enum Precision {
  /** float32 factors. Every device has it, and it is the default. */
  FLOAT32,
  /**
   * Factors rounded to TF32 (10 bits after the point, float32's range) on the tensor cores of CUDA
   * cards from compute capability 8.0.
   */
  TF32,
  /**
   * Factors rounded to bfloat16 (7 bits after the point, float32's range) on the tensor cores of
   * CUDA cards from compute capability 8.0; weights are kept in float32 and rounded every step.
   */
  BF16;

  /**
   * The precision of this name.
   *
   * @throws BackendException if there is none
   */
  public static Precision of(String name) {
    for (Precision precision : values()) {
      if (precision.toString().equals(name)) {
        return precision;
      }
    }
    throw new BackendException("unknown precision " + name + "; known: float32, tf32, bf16");
  }

  /** The name that users type: {@code float32}, {@code tf32} or {@code bf16}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
