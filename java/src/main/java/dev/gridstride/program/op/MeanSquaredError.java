package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * Mean squared error over all elements: {@code loss = mean of (x - t)^2}. Inputs: predictions x and
 * targets t, float32 of one shape. Output: scalar.
 */
public record MeanSquaredError() implements Op {
  @Override
  public String name() {
    return "mean_squared_error";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.floats(name(), "predictions", inputs.get(0));
    Check.same(name(), "targets", inputs.get(0), inputs.get(1));
    return List.of(TensorType.scalar(DataType.FLOAT32));
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return false;
  }

  @Override
  public void gradient(Gradients g) {
    Op op = new MeanSquaredErrorBackward();
    for (int i = 0; i < 2; i++) {
      if (g.needed(i)) {
        Value own = g.input(i);
        Value other = g.input(1 - i);
        g.accumulate(i, g.builder().add(g.gradName(i), op, own, other, g.gradOutput(0)));
      }
    }
  }
}
