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
    Shape shape = floats(op, argument, type);
    if (shape.rank() != rank) {
      throw new ProgramException(
          op + ": " + argument + " must have " + rank + " dimensions, got " + shape);
    }
    return shape;
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
