package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link WeightPenalty}: {@code dw = g * (l1 * sign(w) + 2 * l2 * w)}, sign(0) being 0.
 * Inputs: w, g scalar. Output: dw as w.
 *
 * @param l1 as in the forward op
 * @param l2 as in the forward op
 */
public record WeightPenaltyBackward(float l1, float l2) implements Op {
  @Override
  public String name() {
    return "weight_penalty_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.floats(name(), "weight", inputs.get(0));
    Check.scalar(name(), "gradLoss", inputs.get(1), DataType.FLOAT32);
    return List.of(inputs.get(0));
  }
}
