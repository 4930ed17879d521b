package dev.gridstride.program;

/**
 * Element type and shape of a value.
 *
 * @param dtype element type
 * @param shape logical dimensions
 */
public record TensorType(DataType dtype, Shape shape) {
  /** A float32 tensor with these dimensions. */
  public static TensorType float32(int... dims) {
    return new TensorType(DataType.FLOAT32, Shape.of(dims));
  }

  /** A scalar of type {@code dtype}. */
  public static TensorType scalar(DataType dtype) {
    return new TensorType(dtype, Shape.scalar());
  }

  /** Size in bytes without any padding. */
  public long bytes() {
    return Math.multiplyExact(shape.elements(), dtype.bytes());
  }

  /** For example {@code float32[64,10]}. */
  @Override
  public String toString() {
    return dtype.name().toLowerCase(java.util.Locale.ROOT) + shape;
  }
}
