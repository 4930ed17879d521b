package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Counter, in place: {@code count = count + by}. Input and output: count int64 scalar.
 *
 * @param by how much is added
 */
public record Increment(long by) implements Op {
  @Override
  public String name() {
    return "increment";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    Check.scalar(name(), "count", inputs.get(0), DataType.INT64);
    return inputs;
  }
}
