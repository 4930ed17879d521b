package dev.gridstride.backend.cpu;

import dev.gridstride.program.Tensor;

/** Copies between tensors in Java memory. */
final class Tensors {
  private Tensors() {}

  /** Copies all elements between two tensors of one type. */
  @SuppressWarnings("SuspiciousSystemArraycopy") // Both arrays have the type's own kind.
  static void copy(Tensor from, Tensor to) {
    int length = Math.toIntExact(from.shape().elements());
    System.arraycopy(array(from), 0, array(to), 0, length);
  }

  private static Object array(Tensor tensor) {
    return switch (tensor.type().dtype()) {
      case FLOAT32 -> tensor.floats();
      case BFLOAT16 -> tensor.bfloat16s();
      case FLOAT64 -> tensor.doubles();
      case INT32 -> tensor.ints();
      case INT64 -> tensor.longs();
      case UINT8 -> tensor.bytes();
    };
  }
}
