package dev.gridstride.benchmark;

import dev.gridstride.backend.Precision;
import dev.gridstride.conformance.Tolerance;
import dev.gridstride.program.Tensor;

/**
 * How far a result may lie from the reference's, which is computed in double from the same data.
 * Random errors count with 8 standard deviations.
 */
@FunctionalInterface
interface Bound {
  /** No difference at all. */
  Bound EXACT = expected -> 0;

  /** Half a unit in the last place of float32. */
  double FLOAT32 = 0x1p-24;

  /** The same of the factors that tensor cores take in TF32. */
  double TF32 = 0x1p-11;

  /** A unit in the last place of a bfloat16 from 1 to 2. */
  double BFLOAT16_UNIT = 0x1p-7;

  /** By how much Winograd's algorithm enlarges errors. */
  double WINOGRAD = 8;

  /** Terms that a tensor core adds at once, at least. */
  int TERMS_AT_ONCE = 8;

  /** The largest difference allowed in a tensor. */
  double of(Tensor expected);

  /**
   * Of a sum of products of numbers that are uniform in [-1, 1): such a sum is about sqrt(terms) /
   * 3. Rounding both factors moves it by two units of theirs, and adding up in float32 moves it by
   * a unit for the root of the number of terms. Tensor cores cut off rather than round when they
   * add, which takes up to a unit away with every addition. bfloat16 factors are given, so they are
   * not rounded, and their products are exact.
   *
   * @param terms of one sum
   */
  static Bound ofProducts(long terms, Precision precision) {
    double size = Math.max(1, Math.sqrt((double) terms) / 3);
    double factors = precision == Precision.TF32 ? 2 * TF32 : 0;
    double sum = FLOAT32 * (1 + Math.sqrt((double) terms));
    double cut = precision == Precision.FLOAT32 ? 0 : 2 * FLOAT32 * terms / TERMS_AT_ONCE;
    return expected -> size * (8 * (factors + sum) + cut);
  }

  /**
   * Of a sum of so many rounded terms: 8 units for the root of their number, in proportion to the
   * largest result, or to 1 where results are smaller because terms cancel.
   */
  static Bound ofSum(long terms) {
    return expected ->
        8 * FLOAT32 * Math.sqrt((double) terms) * Math.max(1, Tolerance.largestFinite(expected));
  }

  /** The same in proportion to the largest result however small. */
  static Bound relative(long terms) {
    return expected -> 8 * FLOAT32 * Math.sqrt((double) terms) * Tolerance.largestFinite(expected);
  }

  /**
   * Of the same sums by Winograd's algorithm, whose transforms enlarge rounding errors several
   * times (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).
   */
  default Bound byWinograd() {
    return expected -> WINOGRAD * of(expected);
  }

  /**
   * Of the same result rounded to bfloat16, as the reference's is: beside a boundary one goes up
   * and the other down, so they may be a unit of the largest apart.
   */
  default Bound roundedToBfloat16() {
    return expected ->
        of(expected)
            + Math.scalb(BFLOAT16_UNIT, Math.getExponent(Tolerance.largestFinite(expected)));
  }
}
