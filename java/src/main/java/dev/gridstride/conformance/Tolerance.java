package dev.gridstride.conformance;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Tensor;

/**
 * How far a result may lie from the reference's: nothing if it is exact, or else {@code 8 * 2^-24 *
 * sqrt(terms) * magnitude}, the magnitude being the largest of the tensor or {@code least}. 2^-24
 * is half a unit in the last place of a float32, and the error of a sum of rounded terms grows like
 * the root of their number; 8 leaves room for the order of the terms and for functions such as exp
 * that are good to a few units.
 *
 * @param terms length of the longest reduction on the way to the result; 0 if the result is exact
 * @param least magnitude of what the result is a sum or difference of, which it may fall far below
 */
public record Tolerance(long terms, double least) {
  /** No difference at all: integers that float32 holds, and sums that never leave them. */
  public static final Tolerance EXACT = new Tolerance(0, 0);

  private static final double FLOAT32_HALF_UNIT = 0x1p-24;
  private static final double FACTOR = 8;
  private static final double LARGEST_EXACT = 0x1p24;

  /** Rounding of sums of so many terms. */
  public static Tolerance ofSum(long terms) {
    return new Tolerance(terms, 0);
  }

  /** Rounding of sums of so many terms of magnitude 1, which may cancel each other. */
  public static Tolerance ofUnits(long terms) {
    return new Tolerance(terms, 1);
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
    return FACTOR * FLOAT32_HALF_UNIT * Math.sqrt((double) terms) * Math.max(largest, least);
  }

  private static double largestFinite(Tensor tensor) {
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
