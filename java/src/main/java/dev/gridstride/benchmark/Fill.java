package dev.gridstride.benchmark;

import dev.gridstride.program.Bfloat16;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import java.util.SplittableRandom;

/** What a value holds before the run, drawn from a seed. */
@FunctionalInterface
interface Fill {
  /** Uniform in [-1, 1). */
  Fill REALS = (type, random) -> uniform(type, random, -1, 1);

  /** Uniform in [0.05, 1): variances and second moments. */
  Fill POSITIVE = (type, random) -> uniform(type, random, 0.05, 1);

  /** Zeros. */
  Fill ZEROS = (type, random) -> Tensor.zeros(type);

  /** Rows that are positive and sum to about 1. */
  Fill DISTRIBUTIONS =
      (type, random) -> {
        Tensor tensor = POSITIVE.draw(type, random);
        float[] values = tensor.floats();
        int columns = type.shape().dim(1);
        for (int row = 0; row < values.length; row += columns) {
          float sum = 0;
          for (int i = row; i < row + columns; i++) {
            sum += values[i];
          }
          for (int i = row; i < row + columns; i++) {
            values[i] /= sum;
          }
        }
        return tensor;
      };

  /** Bytes from 0 to 255. */
  Fill BYTES =
      (type, random) -> {
        Tensor tensor = Tensor.zeros(type);
        random.nextBytes(tensor.bytes());
        return tensor;
      };

  /** A tensor of this type. */
  Tensor draw(TensorType type, SplittableRandom random);

  /** Class indices. */
  static Fill classes(int classes) {
    return (type, random) -> {
      Tensor tensor = Tensor.zeros(type);
      int[] values = tensor.ints();
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextInt(classes);
      }
      return tensor;
    };
  }

  /** A float32 scalar. */
  static Fill scalar(float value) {
    return (type, random) -> Tensor.of(Shape.scalar(), value);
  }

  /** An int64 scalar. */
  static Fill scalar(long value) {
    return (type, random) -> Tensor.of(Shape.scalar(), value);
  }

  private static Tensor uniform(
      TensorType type, SplittableRandom random, double least, double most) {
    Tensor tensor = Tensor.zeros(type);
    switch (type.dtype()) {
      case FLOAT32 -> {
        float[] values = tensor.floats();
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) random.nextDouble(least, most);
        }
      }
      case BFLOAT16 -> {
        short[] values = tensor.bfloat16s();
        for (int i = 0; i < values.length; i++) {
          values[i] = Bfloat16.of((float) random.nextDouble(least, most));
        }
      }
      default -> throw new IllegalStateException("no real numbers: " + type);
    }
    return tensor;
  }
}
