package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link BiasAdd} with respect to its bias: {@code db[c]} is the sum of {@code
 * dy[n,c,...]} over all other dimensions. Input: dy [N,C,...]. Output: db [C].
 */
public record BiasBackward() implements Op {
  @Override
  public String name() {
    return "bias_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Shape dy = Check.floats(name(), "gradOutput", inputs.get(0));
    Check.that(dy.rank() >= 2, name(), "gradOutput must have at least 2 dimensions, got " + dy);
    return List.of(TensorType.float32(dy.dim(1)));
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return false;
  }
}
