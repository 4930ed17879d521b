package dev.gridstride.program;

/** bfloat16 on the host: the upper half of a float32, rounded to nearest, ties to even. */
public final class Bfloat16 {
  private Bfloat16() {}

  /** The bits of the nearest bfloat16; of a NaN, a NaN. */
  public static short of(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    int lower = bits & 0xffff;
    int upper = bits >>> 16;
    boolean up = lower > 0x8000 || (lower == 0x8000 && (upper & 1) == 1);
    return (short) (up ? upper + 1 : upper);
  }

  /** The bits of the nearest to each. */
  public static short[] of(float[] values) {
    short[] result = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = of(values[i]);
    }
    return result;
  }

  /** The number with these bits. */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The numbers with these bits. */
  public static float[] floats(short[] bits) {
    float[] values = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = toFloat(bits[i]);
    }
    return values;
  }

  /** The nearest bfloat16, as a float32. */
  public static float round(float value) {
    return toFloat(of(value));
  }
}
