package dev.gridstride.metrics;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The k best classes of each sample, and how often the true class is among them.
 *
 * <p>Classes are ranked by score, highest first; of equal scores the lower class comes first, and
 * NaN comes after all numbers. The same rule as the op {@link dev.gridstride.program.op.Hits}.
 */
public final class TopK {
  private TopK() {}

  /**
   * Number of samples whose label is among the {@code k} best classes.
   *
   * @param scores float32 [n, classes]
   * @param labels int32 [n], each from 0 to classes - 1
   * @param k from 1 to the number of classes
   * @throws IllegalArgumentException if a shape, a label or {@code k} does not fit
   */
  public static long hits(Tensor scores, Tensor labels, int k) {
    Shape shape = check(scores, k);
    int n = shape.dim(0);
    if (labels.type().dtype() != DataType.INT32 || !labels.shape().equals(Shape.of(n))) {
      throw new IllegalArgumentException(
          "top k: expected labels int32 [" + n + "], got " + labels.type());
    }
    int classes = shape.dim(1);
    float[] values = scores.floats();
    long hits = 0;
    for (int i = 0; i < n; i++) {
      int label = labels.ints()[i];
      if (label < 0 || label >= classes) {
        throw new IllegalArgumentException(
            "top k: expected label " + i + " in 0.." + (classes - 1) + ", got " + label);
      }
      if (rank(values, i * classes, classes, label) < k) {
        hits++;
      }
    }
    return hits;
  }

  /** {@link #hits} divided by the number of samples. */
  public static double accuracy(Tensor scores, Tensor labels, int k) {
    return (double) hits(scores, labels, k) / scores.shape().dim(0);
  }

  /** The {@code k} best classes of sample {@code row}, best first. */
  public static int[] best(Tensor scores, int row, int k) {
    int classes = check(scores, k).dim(1);
    float[] values = scores.floats();
    return IntStream.range(0, classes)
        .boxed()
        .sorted(Comparator.comparingInt(c -> rank(values, row * classes, classes, c)))
        .limit(k)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static Shape check(Tensor scores, int k) {
    Shape shape = scores.shape();
    if (scores.type().dtype() != DataType.FLOAT32 || shape.rank() != 2) {
      throw new IllegalArgumentException(
          "top k: expected scores float32 [n, classes], got " + scores.type());
    }
    if (k < 1 || k > shape.dim(1)) {
      throw new IllegalArgumentException(
          "top k: expected k from 1 to the " + shape.dim(1) + " classes, got " + k);
    }
    return shape;
  }

  /** How many classes come before {@code c} among the scores from {@code offset} on. */
  private static int rank(float[] scores, int offset, int classes, int c) {
    float own = scores[offset + c];
    int rank = 0;
    for (int other = 0; other < classes; other++) {
      float score = scores[offset + other];
      boolean equal = score == own || (Float.isNaN(score) && Float.isNaN(own));
      boolean higher = score > own || (Float.isNaN(own) && !Float.isNaN(score));
      if (higher || (equal && other < c)) {
        rank++;
      }
    }
    return rank;
  }
}
