package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Exponential moving average, in place: {@code average = (1 - momentum) * average + momentum *
 * scale * value}. Keeps batch normalisation's running statistics; scale turns the biased variance
 * of M elements into the unbiased one, M / (M - 1), as PyTorch does and Keras does not. Inputs:
 * average, value. Output: average.
 *
 * @param momentum weight of the new value (PyTorch's meaning; Keras's is one minus this)
 * @param scale factor of the new value
 */
public record MovingAverage(float momentum, float scale) implements Op {
  @Override
  public String name() {
    return "moving_average";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.floats(name(), "average", inputs.get(0));
    Check.same(name(), "value", inputs.get(0), inputs.get(1));
    return List.of(inputs.get(0));
  }
}
