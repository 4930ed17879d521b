package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link Relu}, read off its output: {@code dx = y > 0 ? dy : 0}. So the gradient at 0
 * is 0. Inputs: dy and y of one shape. Output: dx.
 */
public record ReluBackward() implements Op {
  @Override
  public String name() {
    return "relu_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.floats(name(), "gradOutput", inputs.get(0));
    Check.same(name(), "output", inputs.get(0), inputs.get(1));
    return List.of(inputs.get(0));
  }
}
