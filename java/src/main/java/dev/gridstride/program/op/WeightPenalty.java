package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * L1 and L2 terms of a loss, as Keras defines them: {@code l1 * sum of |w| + l2 * sum of w^2}.
 * Input: w. Output: scalar.
 *
 * @param l1 factor of the absolute values
 * @param l2 factor of the squares (PyTorch's weight_decay is twice this)
 */
public record WeightPenalty(float l1, float l2) implements Op {
  @Override
  public String name() {
    return "weight_penalty";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Check.floats(name(), "weight", inputs.get(0));
    return List.of(TensorType.scalar(DataType.FLOAT32));
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return false;
  }

  @Override
  public void gradient(Gradients g) {
    Op op = new WeightPenaltyBackward(l1, l2);
    g.accumulate(0, g.builder().add(g.gradName(0), op, g.input(0), g.gradOutput(0)));
  }
}
