package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;

/** A data set's samples or labels, of which the device sees only the rows under way. */
final class HostData {
  private final String name;
  private final TensorType type;
  private Tensor tensor;
  private int version;

  /** Zeros, until they are set. */
  HostData(String name, TensorType type) {
    this.name = name;
    this.type = type;
  }

  String name() {
    return name;
  }

  TensorType type() {
    return type;
  }

  /** Elements of a row; below 2^31 as those of a whole tensor are. */
  int rowElements() {
    return (int) type.shape().elementsPerRow();
  }

  /** Bytes of a row. */
  long rowBytes() {
    return type.shape().elementsPerRow() * type.dtype().bytes();
  }

  /** From now on it is this; not copied, since it may be most of the host's memory. */
  void set(Tensor content) {
    tensor = content;
    version++;
  }

  /** What it is now. */
  Tensor get() {
    if (tensor == null) {
      tensor = Tensor.zeros(type);
    }
    return tensor;
  }

  /** Changes whenever the content does. */
  int version() {
    return version;
  }
}
