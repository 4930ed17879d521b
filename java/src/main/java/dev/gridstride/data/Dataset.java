package dev.gridstride.data;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Samples with their labels, in memory: what a training program reads its batches from.
 *
 * <p>Samples are uint8 (0 to 255, scaled by 1/255 when fetched) or float32 (not scaled), shape [n,
 * ...]; images are [n, channels, height, width]. Labels are int32 [n], class indices, or float32
 * [n, k], one weight a class (one-hot or soft targets). Immutable as long as nobody writes to the
 * tensors' arrays; they are not copied.
 */
public final class Dataset {
  private final String name;
  private final Tensor samples;
  private final Tensor labels;
  private final List<String> classNames;

  private Dataset(String name, Tensor samples, Tensor labels, List<String> classNames) {
    this.name = name;
    this.samples = samples;
    this.labels = labels;
    this.classNames = classNames;
  }

  /**
   * The data set of these samples and labels, after checking them.
   *
   * @param name what messages call it
   * @param samples uint8 or float32 [n, ...], at least two dimensions, no NaN or infinity
   * @param labels int32 [n], each from 0 to classes - 1, or float32 [n, classes], no NaN or
   *     infinity
   * @param classNames one name a class, all different
   * @throws DataException if a count, type, label or value does not fit; it names the first
   */
  public static Dataset of(String name, Tensor samples, Tensor labels, List<String> classNames) {
    Dataset dataset = new Dataset(name, samples, labels, List.copyOf(classNames));
    dataset.checkShapes();
    dataset.checkValues();
    return dataset;
  }

  /** Names for classes that have none: "0", "1", up to {@code classes - 1}. */
  public static List<String> numberedClasses(int classes) {
    return IntStream.range(0, classes).mapToObj(Integer::toString).toList();
  }

  private void checkShapes() {
    DataType dtype = samples.type().dtype();
    if ((dtype != DataType.UINT8 && dtype != DataType.FLOAT32) || samples.shape().rank() < 2) {
      throw DataException.expected(
          name, "samples uint8 or float32 [n, ...] of at least 2 dimensions", samples.type());
    }
    boolean indices = labels.type().dtype() == DataType.INT32 && labels.shape().rank() == 1;
    boolean weights = labels.type().dtype() == DataType.FLOAT32 && labels.shape().rank() == 2;
    if (!indices && !weights) {
      throw DataException.expected(name, "labels int32 [n] or float32 [n, k]", labels.type());
    }
    if (labels.shape().dim(0) != size()) {
      throw DataException.expected(
          name, "as many labels as samples, " + size(), labels.shape().dim(0));
    }
    if (classNames.isEmpty() || new HashSet<>(classNames).size() != classNames.size()) {
      throw DataException.expected(name, "one different name a class", classNames);
    }
    if (weights && labels.shape().dim(1) != classes()) {
      throw DataException.expected(
          name, "labels with " + classes() + " columns, one a class", labels.type());
    }
  }

  private void checkValues() {
    if (labels.type().dtype() == DataType.INT32) {
      int[] indices = labels.ints();
      for (int i = 0; i < indices.length; i++) {
        if (indices[i] < 0 || indices[i] >= classes()) {
          throw DataException.expected(
              name, "label " + i + " in 0.." + (classes() - 1), indices[i]);
        }
      }
    } else {
      checkFinite("labels", labels);
    }
    if (samples.type().dtype() == DataType.FLOAT32) {
      checkFinite("samples", samples);
    }
  }

  private void checkFinite(String what, Tensor tensor) {
    float[] values = tensor.floats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw DataException.expected(
            name,
            "finite " + what,
            values[i] + " in sample " + i / tensor.shape().elementsPerRow());
      }
    }
  }

  /** What messages call this data set, such as {@code cifar10 train}. */
  public String name() {
    return name;
  }

  /** All samples, uint8 or float32 [n, ...]; not a copy. */
  public Tensor samples() {
    return samples;
  }

  /** All labels, int32 [n] or float32 [n, k]; not a copy. */
  public Tensor labels() {
    return labels;
  }

  /** The classes' names; a label is an index into this list. */
  public List<String> classNames() {
    return classNames;
  }

  /** Number of classes. */
  public int classes() {
    return classNames.size();
  }

  /** Number of samples, at least 1. */
  public int size() {
    return samples.shape().dim(0);
  }

  /** Shape of one sample, without the batch dimension: [channels, height, width] for images. */
  public Shape sampleShape() {
    int[] dims = samples.shape().dims();
    return Shape.of(Arrays.copyOfRange(dims, 1, dims.length));
  }

  /**
   * The class of sample {@code i}: its label, or of a row of weights the greatest one's index (the
   * first of equal ones).
   */
  public int labelClass(int i) {
    if (labels.type().dtype() == DataType.INT32) {
      return labels.ints()[i];
    }
    float[] weights = labels.floats();
    int best = 0;
    for (int c = 1; c < classes(); c++) {
      if (weights[i * classes() + c] > weights[i * classes() + best]) {
        best = c;
      }
    }
    return best;
  }

  /**
   * The samples with these indices, in this order, copied.
   *
   * @throws DataException if there is none or one is out of range
   */
  public Dataset select(int[] indices) {
    if (indices.length == 0) {
      throw DataException.expected(name, "a selection of at least 1 sample", "none");
    }
    for (int index : indices) {
      if (index < 0 || index >= size()) {
        throw DataException.expected(name, "a sample index in 0.." + (size() - 1), index);
      }
    }
    return new Dataset(name, rows(samples, indices), rows(labels, indices), classNames);
  }

  /**
   * The first {@code n} samples, or this if it has no more.
   *
   * @throws DataException if {@code n} is below 1
   */
  public Dataset limit(int n) {
    if (n < 1) {
      throw DataException.expected(name, "a limit of at least 1 sample", n);
    }
    return n >= size() ? this : select(IntStream.range(0, n).toArray());
  }

  /** The same data under another name. */
  public Dataset named(String newName) {
    return new Dataset(newName, samples, labels, classNames);
  }

  private static Tensor rows(Tensor tensor, int[] indices) {
    int row = Math.toIntExact(tensor.shape().elementsPerRow());
    Shape shape = tensor.shape().withRows(indices.length);
    Math.toIntExact(shape.elements());
    return switch (tensor.type().dtype()) {
      case UINT8 ->
          Tensor.of(shape, gather(tensor.bytes(), new byte[indices.length * row], indices));
      case FLOAT32 ->
          Tensor.of(shape, gather(tensor.floats(), new float[indices.length * row], indices));
      case INT32 -> Tensor.of(shape, gather(tensor.ints(), new int[indices.length * row], indices));
      default -> throw new IllegalStateException("dataset: no rows of " + tensor.type());
    };
  }

  private static <A> A gather(A source, A target, int[] indices) {
    int row = Array.getLength(target) / indices.length;
    for (int i = 0; i < indices.length; i++) {
      System.arraycopy(source, indices[i] * row, target, i * row, row);
    }
    return target;
  }

  /** For example {@code cifar10 train: 50000 samples [3,32,32], 10 classes}. */
  @Override
  public String toString() {
    return name + ": " + size() + " samples " + sampleShape() + ", " + classes() + " classes";
  }
}
