package dev.gridstride.backend.reference;

import dev.gridstride.backend.BackendException;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;

/** Labels as class indices int32 [N] or as distributions float32 [N,K], behind one face. */
final class Labels {
  private Labels() {}

  /**
   * The target distributions [N,K]: one-hot rows or the soft labels, each {@code t * (1 -
   * smoothing) + smoothing / K}.
   */
  static double[] targets(Operands io, int input, Shape scores, float smoothing) {
    int classes = scores.dim(1);
    double[] targets = new double[Math.toIntExact(scores.elements())];
    for (int i = 0; i < targets.length; i++) {
      double t =
          soft(io, input)
              ? io.in(input)[i]
              : (index(io, input, i / classes, classes) == i % classes ? 1 : 0);
      targets[i] = t * (1 - (double) smoothing) + (double) smoothing / classes;
    }
    return targets;
  }

  /** The true class of sample {@code n}; of a soft label the highest, of equal ones the first. */
  static int trueClass(Operands io, int input, int n, int classes) {
    return soft(io, input) ? best(io.in(input), n, classes) : index(io, input, n, classes);
  }

  /** The first of the highest scores of row {@code n}; NaN is lower than all others. */
  static int best(double[] scores, int n, int classes) {
    int best = 0;
    for (int k = 1; k < classes; k++) {
      if (beats(scores[n * classes + k], scores[n * classes + best])) {
        best = k;
      }
    }
    return best;
  }

  static boolean beats(double score, double other) {
    return score > other || (Double.isNaN(other) && !Double.isNaN(score));
  }

  private static boolean soft(Operands io, int input) {
    return io.inputs().get(input).type().dtype() == DataType.FLOAT32;
  }

  private static int index(Operands io, int input, int n, int classes) {
    long label = io.inIntegers(input)[n];
    if (label < 0 || label >= classes) {
      throw new BackendException(
          "reference: label of sample "
              + n
              + " must be from 0 to "
              + (classes - 1)
              + ", got "
              + label);
    }
    return (int) label;
  }
}
