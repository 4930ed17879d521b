package dev.gridstride.conformance;

import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.util.SplittableRandom;

/** Seeded data for the cases. */
final class Numbers {
  /** What a case's tensors are filled with. */
  enum Kind {
    /** -2 to 2, so that sums of products stay integers that float32 holds. */
    INTEGERS,
    /** Uniform in [-1, 1). */
    REALS
  }

  private final SplittableRandom random;

  Numbers(long seed) {
    random = new SplittableRandom(seed);
  }

  Tensor fill(Kind kind, Shape shape) {
    return kind == Kind.INTEGERS ? integers(shape, -2, 2) : reals(shape, -1, 1);
  }

  /** Float32 integers, both ends included. */
  Tensor integers(Shape shape, int least, int most) {
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(least, most + 1);
    }
    return Tensor.of(shape, values);
  }

  Tensor reals(Shape shape, double least, double most) {
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(least, most);
    }
    return Tensor.of(shape, values);
  }

  /** Different values in random order from -1 to 1: no ties, and gaps far above any step. */
  Tensor distinct(Shape shape) {
    int count = Math.toIntExact(shape.elements());
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      int j = random.nextInt(i + 1);
      values[i] = values[j];
      values[j] = (2f * i - count + 0.5f) / count;
    }
    return Tensor.of(shape, values);
  }

  /** Class indices. */
  Tensor classes(int rows, int classes) {
    int[] values = new int[rows];
    for (int i = 0; i < rows; i++) {
      values[i] = random.nextInt(classes);
    }
    return Tensor.of(Shape.of(rows), values);
  }

  /** Rows that are positive and sum to about 1. */
  Tensor distributions(int rows, int classes) {
    float[] values = reals(Shape.of(rows, classes), 0.05, 1).floats();
    for (int n = 0; n < rows; n++) {
      float sum = 0;
      for (int k = 0; k < classes; k++) {
        sum += values[n * classes + k];
      }
      for (int k = 0; k < classes; k++) {
        values[n * classes + k] /= sum;
      }
    }
    return Tensor.of(Shape.of(rows, classes), values);
  }

  Tensor bytes(Shape shape) {
    byte[] values = new byte[Math.toIntExact(shape.elements())];
    random.nextBytes(values);
    return Tensor.of(shape, values);
  }

  static Tensor scalar(long value) {
    return Tensor.of(Shape.scalar(), value);
  }

  static Tensor scalar(float value) {
    return Tensor.of(Shape.scalar(), value);
  }
}
