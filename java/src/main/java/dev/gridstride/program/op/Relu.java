package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Rectified linear unit: {@code y = max(x, 0)}, elementwise; of NaN, NaN or 0, as the maximum
 * instruction of the device has it (0 on x86 and CUDA).
 */
public record Relu() implements Op {
  @Override
  public String name() {
    return "relu";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Check.floats(name(), "input", inputs.get(0));
    return inputs;
  }

  @Override
  public void gradient(Gradients g) {
    g.accumulate(
        0, g.builder().add(g.gradName(0), new ReluBackward(), g.gradOutput(0), g.output(0)));
  }
}
