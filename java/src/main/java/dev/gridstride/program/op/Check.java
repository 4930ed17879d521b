package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/** Argument checks shared by the shape rules; every message has op, argument, expected and got. */
final class Check {
  private Check() {}

  static void count(String op, List<TensorType> inputs, int least, int most) {
    if (inputs.size() < least || inputs.size() > most) {
      throw new ProgramException(
          op
              + ": expected "
              + (least == most ? least : least + " to " + most)
              + " inputs, got "
              + inputs.size());
    }
  }

  static Shape floats(String op, String argument, TensorType type) {
    return typed(op, argument, type, DataType.FLOAT32).shape();
  }

  static Shape floats(String op, String argument, TensorType type, int rank) {
    return rank(op, argument, floats(op, argument, type), rank);
  }

  private static Shape rank(String op, String argument, Shape shape, int rank) {
    if (shape.rank() != rank) {
      throw new ProgramException(
          op + ": " + argument + " must have " + rank + " dimensions, got " + shape);
    }
    return shape;
  }

  /** The shape of a factor of products that are summed in float32: float32 or bfloat16. */
  static Shape factor(String op, String argument, TensorType type) {
    that(
        type.dtype() == DataType.FLOAT32 || type.dtype() == DataType.BFLOAT16,
        op,
        argument + " must be FLOAT32 or BFLOAT16, got " + type);
    return type.shape();
  }

  static Shape factor(String op, String argument, TensorType type, int rank) {
    return rank(op, argument, factor(op, argument, type), rank);
  }

  /** Both factors of a product have one type. */
  static void sameFactors(String op, String a, String b, List<TensorType> inputs) {
    that(
        inputs.get(0).dtype() == inputs.get(1).dtype(),
        op,
        a + " and " + b + " must be of one type, got " + inputs.get(0) + " and " + inputs.get(1));
  }

  static TensorType typed(String op, String argument, TensorType type, DataType dtype) {
    if (type.dtype() != dtype) {
      throw new ProgramException(op + ": " + argument + " must be " + dtype + ", got " + type);
    }
    return type;
  }

  static void scalar(String op, String argument, TensorType type, DataType dtype) {
    same(op, argument, TensorType.scalar(dtype), type);
  }

  static void same(String op, String argument, TensorType expected, TensorType got) {
    if (!expected.equals(got)) {
      throw new ProgramException(op + ": " + argument + " must be " + expected + ", got " + got);
    }
  }

  static void that(boolean condition, String op, String message) {
    if (!condition) {
      throw new ProgramException(op + ": " + message);
    }
  }

  /** Labels of {@code scores} [N, K]: int32 [N] class indices, or float32 [N, K] probabilities. */
  static void labels(String op, Shape scores, TensorType labels) {
    TensorType indices = new TensorType(DataType.INT32, Shape.of(scores.dim(0)));
    TensorType soft = new TensorType(DataType.FLOAT32, scores);
    that(
        labels.equals(indices) || labels.equals(soft),
        op,
        "labels must be " + indices + " or " + soft + ", got " + labels);
  }

  static void smoothing(String op, float labelSmoothing) {
    that(
        labelSmoothing >= 0 && labelSmoothing < 1,
        op,
        "labelSmoothing must be in [0, 1), got " + labelSmoothing);
  }
}
