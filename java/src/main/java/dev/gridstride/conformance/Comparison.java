package dev.gridstride.conformance;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Compares two sets of results of one case. */
public final class Comparison {
  private Comparison() {}

  /**
   * How one tensor compares. The worst element is the one with the largest error; where none has
   * one, the first.
   *
   * @param name of the tensor among the results
   * @param elements how many it has
   * @param wrong how many of them differ by more than {@code bound}
   * @param error of the worst element; infinite where only one of the two is finite
   * @param bound largest error allowed
   * @param index of the worst element
   * @param expected the reference's element there
   * @param got the device's
   */
  public record Difference(
      String name,
      long elements,
      long wrong,
      double error,
      double bound,
      List<Integer> index,
      double expected,
      double got) {
    /** Copies the index. */
    public Difference {
      index = List.copyOf(index);
    }

    /** Whether all elements agree. */
    public boolean agrees() {
      return wrong == 0;
    }

    /** For example {@code y: 1 of 6 elements differ; worst at [0, 2]: expected 1.0, got ...}. */
    @Override
    public String toString() {
      return name
          + ": "
          + wrong
          + " of "
          + elements
          + " elements differ; worst at "
          + index
          + ": expected "
          + expected
          + ", got "
          + got
          + ", tolerance "
          + bound;
    }
  }

  /** One line for each tensor that differs; empty if all agree. */
  public static List<String> differences(
      Case test, Map<String, Tensor> expected, Map<String, Tensor> got) {
    String other = otherResults(expected, got);
    return other != null
        ? List.of(other)
        : measure(test, expected, got).stream()
            .filter(difference -> !difference.agrees())
            .map(Difference::toString)
            .toList();
  }

  /** What is wrong with names and types of the results, or null if they are as expected. */
  static String otherResults(Map<String, Tensor> expected, Map<String, Tensor> got) {
    if (!expected.keySet().equals(got.keySet())) {
      return "expected results " + expected.keySet() + ", got " + got.keySet();
    }
    for (String key : expected.keySet()) {
      if (!expected.get(key).type().equals(got.get(key).type())) {
        return key + ": expected " + expected.get(key).type() + ", got " + got.get(key).type();
      }
    }
    return null;
  }

  /** A line a tensor of results with the same names and types. */
  static List<Difference> measure(
      Case test, Map<String, Tensor> expected, Map<String, Tensor> got) {
    List<Difference> all = new ArrayList<>();
    expected.forEach(
        (key, tensor) -> {
          Tolerance tolerance = test.toleranceOf(Runner.valueName(key));
          all.add(measure(key, tensor, got.get(key), tolerance.bound(tensor)));
        });
    return all;
  }

  /**
   * How two tensors of one type compare.
   *
   * @param bound largest error allowed
   */
  public static Difference measure(String name, Tensor expected, Tensor got, double bound) {
    int wrong = 0;
    int worst = 0;
    double worstError = -1;
    int elements = Math.toIntExact(expected.shape().elements());
    for (int i = 0; i < elements; i++) {
      double error = error(expected, got, i);
      if (!(error <= bound)) {
        wrong++;
      }
      if (error > worstError) {
        worst = i;
        worstError = error;
      }
    }
    List<Integer> index = Arrays.stream(indices(expected.shape().dims(), worst)).boxed().toList();
    return new Difference(
        name, elements, wrong, worstError, bound, index, expected.get(worst), got.get(worst));
  }

  /**
   * How far two elements are apart: NaN agrees with NaN only, an infinity with itself only. A
   * double does not hold every int64, so those are compared as they are.
   */
  private static double error(Tensor expected, Tensor got, int i) {
    double difference = Math.abs(expected.get(i) - got.get(i));
    if (expected.type().dtype() == DataType.INT64) {
      return expected.longs()[i] == got.longs()[i] ? 0 : Math.max(1, difference);
    }
    if (!Double.isFinite(expected.get(i))) {
      return Double.compare(expected.get(i), got.get(i)) == 0 ? 0 : Double.POSITIVE_INFINITY;
    }
    return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
  }

  private static int[] indices(int[] dims, int flat) {
    int[] indices = new int[dims.length];
    int rest = flat;
    for (int axis = dims.length - 1; axis >= 0; axis--) {
      indices[axis] = rest % dims[axis];
      rest /= dims[axis];
    }
    return indices;
  }
}
