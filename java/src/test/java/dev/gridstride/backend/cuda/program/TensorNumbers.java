package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Bfloat16;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Data and bounds for kernels on tensor cores. With real data the bound follows from the types:
 * each factor is off by at most half a unit in the last place of its type, relatively {@code u}
 * (TF32, rounded to nearest: 2^-11; bfloat16 inputs are exact as given, so 0), a product so by at
 * most {@code 2u + u^2}; each of the sum's additions and the one of the bias by at most 2^-23 of
 * the sum of magnitudes so far, as a tensor core may truncate; a bfloat16 result by 2^-8 of itself.
 */
final class TensorNumbers {
  private static final double UNIT_TF32 = 0x1p-11;
  private static final double UNIT_SUM = 0x1p-23;
  private static final double UNIT_BFLOAT16 = 0x1p-8;

  private final SplittableRandom random;
  private final boolean integers;

  /**
   * Seeded data.
   *
   * @param integers -2 to 2, exact in both types as are their sums; else reals in [-1, 1)
   */
  TensorNumbers(long seed, boolean integers) {
    random = new SplittableRandom(seed);
    this.integers = integers;
  }

  float[] values(int count, TensorCores type) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      float value = integers ? random.nextInt(-2, 3) : (float) random.nextDouble(-1, 1);
      values[i] = type == TensorCores.BF16 ? Bfloat16.round(value) : value;
    }
    return values;
  }

  float[] bias(int count) {
    return values(count, TensorCores.TF32);
  }

  /** A sum of products with what its error may be. */
  static final class Sum {
    private double value;
    private double magnitude;
    private long terms;

    void add(double a, double b) {
      value += a * b;
      magnitude += Math.abs(a * b);
      terms++;
    }

    void addBias(double bias) {
      value += bias;
      magnitude += Math.abs(bias);
      terms++;
    }

    void relu() {
      value = Math.max(value, 0);
    }

    double bound(TensorCores type) {
      double u = type == TensorCores.TF32 ? UNIT_TF32 : 0;
      return magnitude * (2 * u + u * u + terms * UNIT_SUM);
    }
  }

  /** Checks a result, float32 or bfloat16, element by element. */
  void check(String what, Sum[] expected, float[] got, TensorCores type, boolean bfloat16) {
    if (got.length != expected.length) {
      throw new AssertionError(what + ": " + got.length + " elements, not " + expected.length);
    }
    for (int i = 0; i < got.length; i++) {
      double value = expected[i].value;
      double bound = integers ? 0 : expected[i].bound(type);
      if (bfloat16) {
        bound += (integers ? 0 : UNIT_BFLOAT16) * (Math.abs(value) + bound);
        value = integers ? Bfloat16.round((float) value) : value;
      }
      if (!(Math.abs(got[i] - value) <= bound)) {
        throw new AssertionError(
            what
                + ": element "
                + i
                + ": expected "
                + value
                + ", got "
                + got[i]
                + ", bound "
                + bound);
      }
    }
  }

  static Sum[] sums(int count) {
    Sum[] sums = new Sum[count];
    Arrays.setAll(sums, i -> new Sum());
    return sums;
  }
}
