package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * The learning rate of a step: {@code schedule(step) * factor}. The factor is a state that
 * callbacks may change. Inputs: step int64, factor float32. Output: scalar float32.
 *
 * @param schedule the rate as a function of the step
 */
public record LearningRate(Schedule schedule) implements Op {
  @Override
  public String name() {
    return "learning_rate";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.scalar(name(), "step", inputs.get(0), DataType.INT64);
    Check.scalar(name(), "factor", inputs.get(1), DataType.FLOAT32);
    return List.of(TensorType.scalar(DataType.FLOAT32));
  }
}
