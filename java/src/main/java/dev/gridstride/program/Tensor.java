package dev.gridstride.program;

import java.lang.reflect.Array;
import java.util.Arrays;

/**
 * A tensor in Java memory: a dense row-major array of the type's own kind ({@code float[]}, {@code
 * double[]}, {@code int[]}, {@code long[]}, {@code byte[]}, or {@code short[]} with the bits of
 * {@link Bfloat16}). What is written to and read from a device. The array is not copied.
 */
public final class Tensor {
  private final TensorType type;
  private final Object array;

  private Tensor(TensorType type, Object array) {
    int length = Array.getLength(array);
    if (length != type.shape().elements()) {
      throw new ProgramException(
          "tensor: " + type + " needs " + type.shape().elements() + " elements, got " + length);
    }
    this.type = type;
    this.array = array;
  }

  /** A float32 tensor over {@code values}. */
  public static Tensor of(Shape shape, float... values) {
    return new Tensor(new TensorType(DataType.FLOAT32, shape), values);
  }

  /** A bfloat16 tensor over {@code values}, the bits of {@link Bfloat16}. */
  public static Tensor of(Shape shape, short... values) {
    return new Tensor(new TensorType(DataType.BFLOAT16, shape), values);
  }

  /** A float64 tensor over {@code values}. */
  public static Tensor of(Shape shape, double... values) {
    return new Tensor(new TensorType(DataType.FLOAT64, shape), values);
  }

  /** An int32 tensor over {@code values}. */
  public static Tensor of(Shape shape, int... values) {
    return new Tensor(new TensorType(DataType.INT32, shape), values);
  }

  /** An int64 tensor over {@code values}. */
  public static Tensor of(Shape shape, long... values) {
    return new Tensor(new TensorType(DataType.INT64, shape), values);
  }

  /** A uint8 tensor over {@code values}. */
  public static Tensor of(Shape shape, byte... values) {
    return new Tensor(new TensorType(DataType.UINT8, shape), values);
  }

  /** A tensor of zeros. */
  public static Tensor zeros(TensorType type) {
    int length = Math.toIntExact(type.shape().elements());
    return new Tensor(
        type,
        switch (type.dtype()) {
          case FLOAT32 -> new float[length];
          case BFLOAT16 -> new short[length];
          case FLOAT64 -> new double[length];
          case INT32 -> new int[length];
          case INT64 -> new long[length];
          case UINT8 -> new byte[length];
        });
  }

  /** Element type and shape. */
  public TensorType type() {
    return type;
  }

  /** Logical shape. */
  public Shape shape() {
    return type.shape();
  }

  /** The elements of a float32 tensor, not a copy. */
  public float[] floats() {
    return (float[]) expect(DataType.FLOAT32);
  }

  /** The bits of the elements of a bfloat16 tensor, not a copy. */
  public short[] bfloat16s() {
    return (short[]) expect(DataType.BFLOAT16);
  }

  /** The elements of a float64 tensor, not a copy. */
  public double[] doubles() {
    return (double[]) expect(DataType.FLOAT64);
  }

  /** The elements of an int32 tensor, not a copy. */
  public int[] ints() {
    return (int[]) expect(DataType.INT32);
  }

  /** The elements of an int64 tensor, not a copy. */
  public long[] longs() {
    return (long[]) expect(DataType.INT64);
  }

  /** The elements of a uint8 tensor, not a copy. */
  public byte[] bytes() {
    return (byte[]) expect(DataType.UINT8);
  }

  /** Element {@code i} in row-major order as a double; a uint8 counts from 0 to 255. */
  public double get(int i) {
    return switch (type.dtype()) {
      case FLOAT32 -> ((float[]) array)[i];
      case BFLOAT16 -> Bfloat16.toFloat(((short[]) array)[i]);
      case FLOAT64 -> ((double[]) array)[i];
      case INT32 -> ((int[]) array)[i];
      case INT64 -> ((long[]) array)[i];
      case UINT8 -> ((byte[]) array)[i] & 0xff;
    };
  }

  /** Copies all elements to another tensor of this type. */
  public void copyTo(Tensor to) {
    copy(0, to, 0, Array.getLength(array));
  }

  /**
   * Copies elements, counted in row-major order, to another tensor with elements of this kind.
   *
   * @param from the first to copy
   * @param at where it goes in {@code to}
   */
  public void copy(int from, Tensor to, int at, int length) {
    System.arraycopy(array, from, to.expect(type.dtype()), at, length);
  }

  /** The only element of a scalar. */
  public double scalar() {
    if (type.shape().elements() != 1) {
      throw new IllegalStateException("tensor: " + type + " is no scalar");
    }
    return get(0);
  }

  private Object expect(DataType dtype) {
    if (type.dtype() != dtype) {
      throw new IllegalStateException("tensor: holds " + type + ", asked for " + dtype);
    }
    return array;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Tensor tensor
        && type.equals(tensor.type)
        && Arrays.deepEquals(new Object[] {array}, new Object[] {tensor.array});
  }

  @Override
  public int hashCode() {
    return 31 * type.hashCode() + Arrays.deepHashCode(new Object[] {array});
  }

  /** The type only; the elements can be many. */
  @Override
  public String toString() {
    return "Tensor " + type;
  }
}
