package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Softmax of each row: {@code y[n,k] = exp(x[n,k] - max) / sum over j of exp(x[n,j] - max)}, max
 * being that of the row. Input and output: [N,K].
 */
public record Softmax() implements Op {
  @Override
  public String name() {
    return "softmax";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Check.floats(name(), "input", inputs.get(0), 2);
    return inputs;
  }

  @Override
  public void gradient(Gradients g) {
    g.accumulate(
        0, g.builder().add(g.gradName(0), new SoftmaxBackward(), g.gradOutput(0), g.output(0)));
  }
}
