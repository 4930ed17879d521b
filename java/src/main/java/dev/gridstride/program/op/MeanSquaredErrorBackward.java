package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link MeanSquaredError}: {@code dx = 2 * g * (x - t) / (number of elements)}.
 * Inputs: x, t, g scalar. Output: dx as x.
 */
public record MeanSquaredErrorBackward() implements Op {
  @Override
  public String name() {
    return "mean_squared_error_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 3, 3);
    Check.floats(name(), "predictions", inputs.get(0));
    Check.same(name(), "targets", inputs.get(0), inputs.get(1));
    Check.scalar(name(), "gradLoss", inputs.get(2), DataType.FLOAT32);
    return List.of(inputs.get(0));
  }
}
