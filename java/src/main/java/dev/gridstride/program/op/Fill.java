package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * A float32 tensor whose elements are all {@code value}; the gradient of the loss begins with one
 * of 1.
 *
 * @param shape of the output
 * @param value of every element
 */
public record Fill(Shape shape, float value) implements Op {
  @Override
  public String name() {
    return "fill";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 0, 0);
    return List.of(TensorType.float32(shape.dims()));
  }
}
