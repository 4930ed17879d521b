package dev.gridstride.program;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Logical dimensions of a tensor, outermost first; N, C, H, W for images. A scalar has rank 0.
 *
 * <p>Every dimension is at least 1, and the number of elements fits a {@code long}.
 */
public final class Shape {
  private static final Shape SCALAR = new Shape(new int[0]);

  private final int[] dims;

  private Shape(int[] dims) {
    this.dims = dims;
  }

  /**
   * The shape with these dimensions.
   *
   * @throws ProgramException if a dimension is below 1
   */
  public static Shape of(int... dims) {
    for (int dim : dims) {
      if (dim < 1) {
        throw new ProgramException(
            "shape: every dimension must be at least 1, got " + Arrays.toString(dims));
      }
    }
    return dims.length == 0 ? SCALAR : new Shape(dims.clone());
  }

  /** The shape of a single number. */
  public static Shape scalar() {
    return SCALAR;
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /** Size of dimension {@code axis}, counted from 0. */
  public int dim(int axis) {
    return dims[axis];
  }

  /** A copy of all dimensions. */
  public int[] dims() {
    return dims.clone();
  }

  /** Number of elements: the product of all dimensions, 1 for a scalar. */
  public long elements() {
    long product = 1;
    for (int dim : dims) {
      product = Math.multiplyExact(product, dim);
    }
    return product;
  }

  /** Number of elements below dimension 0: those of one sample of a batch. */
  public long elementsPerRow() {
    return dims.length == 0 ? 1 : elements() / dims[0];
  }

  /** This shape with dimension 0 replaced by {@code rows}. */
  public Shape withRows(int rows) {
    int[] copy = dims.clone();
    copy[0] = rows;
    return of(copy);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** For example {@code [64,3,32,32]}. */
  @Override
  public String toString() {
    return Arrays.stream(dims)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(",", "[", "]"));
  }
}
