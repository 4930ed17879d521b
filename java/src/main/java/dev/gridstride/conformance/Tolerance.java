package dev.gridstride.conformance;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Tensor;

/**
 * How far a result may lie from the reference's: nothing if it is exact, or else {@code 8 * u *
 * sqrt(terms) * magnitude}, the magnitude being the largest of the tensor or {@code least}. u is
 * half a unit in the last place of the factors, 2^-24 in float32 and 2^-11 in TF32, and the error
 * of a sum of rounded terms grows like the root of their number; 8 leaves room for the order of the
 * terms and for functions such as exp that are good to a few units.
 *
 * <p>In bf16 the reference rounds the same factors as the device, and products of two bfloat16 are
 * exact in float32: u is 2^-24 as in float32. But where a factor was computed itself, the two may
 * round it to different sides, a unit of 2^-7 apart. That is rare, about once in 2^16 factors for
 * each last place by which they differ, so one such slip in the largest product is allowed.
 *
 * @param terms length of the longest reduction on the way to the result; 0 if the result is exact
 * @param least magnitude of what the result is a sum or difference of, which it may fall far below
 * @param precision of products
 */
public record Tolerance(long terms, double least, Precision precision) {
  /** No difference at all: integers that all types hold, and sums that never leave them. */
  public static final Tolerance EXACT = ofSum(0);

  private static final double FLOAT32_HALF_UNIT = 0x1p-24;
  private static final double TF32_HALF_UNIT = 0x1p-11;
  private static final double BFLOAT16_UNIT = 0x1p-7;
  private static final double FACTOR = 8;
  private static final double LARGEST_EXACT = 0x1p24;

  /** Rounding of sums of so many terms. */
  public static Tolerance ofSum(long terms) {
    return new Tolerance(terms, 0, Precision.FLOAT32);
  }

  /** Rounding of sums of so many terms of magnitude 1, which may cancel each other. */
  public static Tolerance ofUnits(long terms) {
    return new Tolerance(terms, 1, Precision.FLOAT32);
  }

  /** The same of a result of products in this precision. */
  public Tolerance in(Precision other) {
    return new Tolerance(terms, least, other);
  }

  /** Largest difference allowed between an element and {@code expected}'s. */
  double bound(Tensor expected) {
    double largest = largestFinite(expected);
    if (terms == 0) {
      if (expected.type().dtype() == DataType.FLOAT32 && largest > LARGEST_EXACT) {
        throw new IllegalStateException("exact case with results up to " + largest);
      }
      return 0;
    }
    double unit = precision == Precision.TF32 ? TF32_HALF_UNIT : FLOAT32_HALF_UNIT;
    double slip = precision == Precision.BF16 ? BFLOAT16_UNIT : 0;
    double sum = FACTOR * unit * Math.sqrt((double) terms);
    return (sum + slip) * Math.max(largest, least);
  }

  /** The largest magnitude among the finite elements; 0 if there are none. */
  public static double largestFinite(Tensor tensor) {
    double largest = 0;
    for (int i = 0; i < tensor.shape().elements(); i++) {
      double magnitude = Math.abs(tensor.get(i));
      if (Double.isFinite(magnitude)) {
        largest = Math.max(largest, magnitude);
      }
    }
    return largest;
  }
}
