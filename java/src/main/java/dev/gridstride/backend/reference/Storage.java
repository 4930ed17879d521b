package dev.gridstride.backend.reference;

import dev.gridstride.program.Bfloat16;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import java.util.Arrays;

/**
 * The elements of one value in row-major order: float32, bfloat16 and float64 as {@code double[]},
 * the integer types as {@code long[]}.
 */
final class Storage {
  private final TensorType type;
  private final double[] reals;
  private final long[] integers;

  Storage(TensorType type) {
    this.type = type;
    int length = Math.toIntExact(type.shape().elements());
    boolean real =
        switch (type.dtype()) {
          case FLOAT32, BFLOAT16, FLOAT64 -> true;
          case INT32, INT64, UINT8 -> false;
        };
    reals = real ? new double[length] : null;
    integers = real ? null : new long[length];
  }

  TensorType type() {
    return type;
  }

  /** The elements of a float32, bfloat16 or float64 value, not a copy. */
  double[] reals() {
    if (reals == null) {
      throw new IllegalStateException("reference: " + type + " does not hold reals");
    }
    return reals;
  }

  /** The elements of an int32, int64 or uint8 value, not a copy; uint8 from 0 to 255. */
  long[] integers() {
    if (integers == null) {
      throw new IllegalStateException("reference: " + type + " does not hold integers");
    }
    return integers;
  }

  /** Element {@code i}, whatever the type. */
  double get(int i) {
    return reals == null ? (double) integers[i] : reals[i];
  }

  long bytes() {
    return bytes(type);
  }

  /** Bytes of the elements of a value of this type. */
  static long bytes(TensorType type) {
    return type.shape().elements() * Double.BYTES;
  }

  void clear() {
    if (reals == null) {
      Arrays.fill(integers, 0);
    } else {
      Arrays.fill(reals, 0);
    }
  }

  void copyFrom(Storage other) {
    if (reals == null) {
      System.arraycopy(other.integers, 0, integers, 0, integers.length);
    } else {
      System.arraycopy(other.reals, 0, reals, 0, reals.length);
    }
  }

  /** A copy of all elements, whatever the type. */
  double[] toDoubles() {
    return reals == null ? Arrays.stream(integers).asDoubleStream().toArray() : reals.clone();
  }

  /** Takes all elements, whatever the type. */
  void write(double[] elements) {
    for (int i = 0; i < elements.length; i++) {
      if (reals == null) {
        integers[i] = (long) elements[i];
      } else {
        reals[i] = elements[i];
      }
    }
  }

  void write(Tensor tensor) {
    for (int i = 0; i < type.shape().elements(); i++) {
      if (reals != null) {
        reals[i] = tensor.get(i);
      } else if (type.dtype() == DataType.INT64) {
        integers[i] = tensor.longs()[i];
      } else {
        integers[i] = (long) tensor.get(i);
      }
    }
  }

  /** A copy in the type's own kind of array; this is where a double is rounded to float. */
  Tensor read() {
    Tensor tensor = Tensor.zeros(type);
    for (int i = 0; i < type.shape().elements(); i++) {
      switch (type.dtype()) {
        case FLOAT32 -> tensor.floats()[i] = (float) reals[i];
        case BFLOAT16 -> tensor.bfloat16s()[i] = Bfloat16.of((float) reals[i]);
        case FLOAT64 -> tensor.doubles()[i] = reals[i];
        case INT32 -> tensor.ints()[i] = (int) integers[i];
        case INT64 -> tensor.longs()[i] = integers[i];
        case UINT8 -> tensor.bytes()[i] = (byte) integers[i];
      }
    }
    return tensor;
  }
}
