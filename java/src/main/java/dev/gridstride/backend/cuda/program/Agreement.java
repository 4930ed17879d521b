package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Whether two implementations computed the same but for rounding, from data that is uniform in [-1,
 * 1). Neither is exact, so twice the rounding of one is allowed.
 *
 * @param error the largest difference; infinite if only one of two numbers is finite
 * @param bound the largest difference allowed in the tensor where {@code error} is
 * @param agrees whether all differences are within their bounds
 */
record Agreement(double error, double bound, boolean agrees) {
  /** Half a unit in the last place, which is what rounding may take. */
  private static final double FLOAT32 = 0x1p-24;

  private static final double TF32 = 0x1p-11;

  /** A whole unit: where two results lie beside a boundary, one goes up and the other down. */
  private static final double BFLOAT16_UNIT = 0x1p-7;

  /**
   * By how much the transforms of Winograd's algorithm enlarge rounding errors (Lavin and Gray,
   * "Fast Algorithms for Convolutional Neural Networks", 2016).
   */
  private static final double WINOGRAD = 8;

  /** 8 standard deviations, of two results. */
  private static final double FACTOR = 2 * 8;

  /**
   * Compares all outputs of a node.
   *
   * @param expected own's
   * @param precision of products
   * @param how by which algorithm the other is computed
   */
  static Agreement of(
      Node node, List<Tensor> expected, List<Tensor> got, Precision precision, String how) {
    Agreement worst = new Agreement(0, 0, true);
    for (int i = 0; i < expected.size(); i++) {
      double rounding = bound(node, expected.get(i), precision);
      double bound = how.contains("WINOGRAD") ? WINOGRAD * rounding : rounding;
      double error = error(expected.get(i), got.get(i));
      boolean agrees = error <= bound;
      boolean worse = worst.agrees ? !agrees || error >= worst.error : !agrees;
      if (worse) {
        worst = new Agreement(error, bound, agrees);
      }
    }
    return worst;
  }

  private static double bound(Node node, Tensor expected, Precision precision) {
    DataType type = expected.type().dtype();
    if (type != DataType.FLOAT32 && type != DataType.BFLOAT16) {
      return 0;
    }
    double largest = largest(expected);
    double stored = type == DataType.BFLOAT16 ? BFLOAT16_UNIT * largest : 0;
    return stored
        + (node.flops() > 0
            ? ofProducts(terms(node), precision)
            : FACTOR * FLOAT32 * Math.sqrt(ofReduction(node)) * Math.max(1, largest));
  }

  /**
   * A sum of products is about sqrt(terms) / 3. Rounding factors to TF32 moves it by two units of
   * theirs, adding up in float32 by a unit for the root of the number of terms; tensor cores cut
   * off what they add, up to a unit with every eighth term.
   */
  private static double ofProducts(double terms, Precision precision) {
    double size = Math.max(1, Math.sqrt(terms) / 3);
    double factors = precision == Precision.TF32 ? 2 * TF32 : 0;
    double sum = FLOAT32 * (1 + Math.sqrt(terms));
    double cut = precision == Precision.FLOAT32 ? 0 : FLOAT32 * terms / 2;
    return size * (FACTOR * (factors + sum) + cut);
  }

  /** Products in a sum: of the first output, of whose kind a bias gradient's sums are too. */
  private static double terms(Node node) {
    return node.flops() / 2.0 / node.output(0).shape().elements();
  }

  private static double ofReduction(Node node) {
    long most = elements(node.inputs()).max().orElse(1);
    long least = elements(node.outputs()).min().orElse(1);
    return Math.max(1, (double) most / least);
  }

  private static LongStream elements(List<Value> values) {
    return values.stream().mapToLong(value -> value.shape().elements());
  }

  private static double largest(Tensor tensor) {
    double largest = 0;
    int elements = Math.toIntExact(tensor.shape().elements());
    for (int i = 0; i < elements; i++) {
      double magnitude = Math.abs(tensor.get(i));
      largest = Double.isFinite(magnitude) ? Math.max(largest, magnitude) : largest;
    }
    return largest;
  }

  private static double error(Tensor expected, Tensor got) {
    double largest = 0;
    int elements = Math.toIntExact(expected.shape().elements());
    for (int i = 0; i < elements; i++) {
      double a = expected.get(i);
      double b = got.get(i);
      if (Double.compare(a, b) != 0) {
        double difference = Math.abs(a - b);
        largest =
            Math.max(largest, Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference);
      }
    }
    return largest;
  }
}
