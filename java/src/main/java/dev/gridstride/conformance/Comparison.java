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

  /** One line for each tensor that differs; empty if all agree. */
  public static List<String> differences(
      Case test, Map<String, Tensor> expected, Map<String, Tensor> got) {
    List<String> lines = new ArrayList<>();
    if (!expected.keySet().equals(got.keySet())) {
      lines.add("expected results " + expected.keySet() + ", got " + got.keySet());
      return lines;
    }
    expected.forEach(
        (key, tensor) -> {
          Tolerance tolerance = test.toleranceOf(Runner.valueName(key));
          String line = difference(tensor, got.get(key), tolerance.bound(tensor));
          if (line != null) {
            lines.add(key + ": " + line);
          }
        });
    return lines;
  }

  private static String difference(Tensor expected, Tensor got, double bound) {
    if (!expected.type().equals(got.type())) {
      return "expected " + expected.type() + ", got " + got.type();
    }
    int wrong = 0;
    int worst = -1;
    double worstDifference = -1;
    int elements = Math.toIntExact(expected.shape().elements());
    for (int i = 0; i < elements; i++) {
      if (agree(expected, got, i, bound)) {
        continue;
      }
      wrong++;
      double difference = Math.abs(expected.get(i) - got.get(i));
      if (Double.isNaN(difference)) {
        difference = Double.POSITIVE_INFINITY;
      }
      if (difference > worstDifference) {
        worst = i;
        worstDifference = difference;
      }
    }
    return wrong == 0
        ? null
        : wrong
            + " of "
            + elements
            + " elements differ; worst at "
            + Arrays.toString(indices(expected.shape().dims(), worst))
            + ": expected "
            + expected.get(worst)
            + ", got "
            + got.get(worst)
            + ", tolerance "
            + bound;
  }

  /** A double does not hold every int64, so those are compared as they are. */
  private static boolean agree(Tensor expected, Tensor got, int i, double bound) {
    return expected.type().dtype() == DataType.INT64
        ? expected.longs()[i] == got.longs()[i]
        : agree(expected.get(i), got.get(i), bound);
  }

  /** NaN agrees with NaN only, an infinity with itself only. */
  private static boolean agree(double expected, double got, double bound) {
    if (!Double.isFinite(expected)) {
      return Double.compare(expected, got) == 0;
    }
    double difference = Math.abs(expected - got);
    return !Double.isNaN(difference) && difference <= bound;
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
