package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Running sum, in place: {@code sum = sum + factor * value}. Inputs: sum float64 or int64 scalar,
 * value a scalar, of an integer type if the sum is. Output: sum.
 *
 * @param factor of the value; the batch size turns a mean into a sum
 */
public record Accumulate(long factor) implements Op {
  @Override
  public String name() {
    return "accumulate";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    TensorType sum = inputs.get(0);
    Check.that(
        sum.dtype() == DataType.FLOAT64 || sum.dtype() == DataType.INT64,
        name(),
        "sum must be FLOAT64 or INT64, got " + sum);
    Check.scalar(name(), "sum", sum, sum.dtype());
    TensorType value = inputs.get(1);
    Check.scalar(name(), "value", value, value.dtype());
    boolean real = value.dtype() == DataType.FLOAT32 || value.dtype() == DataType.FLOAT64;
    Check.that(
        !real || sum.dtype() == DataType.FLOAT64,
        name(),
        "a real value needs a sum of FLOAT64, got sum " + sum + ", value " + value);
    return List.of(sum);
  }
}
