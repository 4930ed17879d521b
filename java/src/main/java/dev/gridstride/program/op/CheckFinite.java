package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Remembers the first step whose loss was NaN or infinite, in place: {@code first = first < 0 and
 * value is not finite ? step : first}. Inputs: first int64, value float32 scalar, step int64.
 * Output: first.
 */
public record CheckFinite() implements Op {
  @Override
  public String name() {
    return "check_finite";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 3, 3);
    Check.scalar(name(), "first", inputs.get(0), DataType.INT64);
    Check.scalar(name(), "value", inputs.get(1), DataType.FLOAT32);
    Check.scalar(name(), "step", inputs.get(2), DataType.INT64);
    return List.of(inputs.get(0));
  }
}
