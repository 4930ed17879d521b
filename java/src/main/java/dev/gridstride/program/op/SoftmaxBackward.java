package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link Softmax}: {@code dx[n,k] = y[n,k] * (dy[n,k] - sum over j of dy[n,j] *
 * y[n,j])}. Inputs: dy, y [N,K]. Output: dx [N,K].
 */
public record SoftmaxBackward() implements Op {
  @Override
  public String name() {
    return "softmax_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.floats(name(), "gradOutput", inputs.get(0), 2);
    Check.same(name(), "output", inputs.get(0), inputs.get(1));
    return List.of(inputs.get(0));
  }
}
