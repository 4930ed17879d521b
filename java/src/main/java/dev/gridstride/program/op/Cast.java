package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * The same numbers in another type: from float32 to bfloat16, rounded to the nearest, ties to even
 * (above its largest, infinity; NaN stays NaN), or from bfloat16 to float32, exactly. The gradient
 * passes as if nothing were rounded, in float32.
 *
 * @param to {@link DataType#BFLOAT16} or {@link DataType#FLOAT32}
 */
public record Cast(DataType to) implements Op {
  /** Checks the type. */
  public Cast {
    if (to != DataType.BFLOAT16 && to != DataType.FLOAT32) {
      throw new ProgramException("cast: to must be FLOAT32 or BFLOAT16, got " + to);
    }
  }

  @Override
  public String name() {
    return "cast";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 1, 1);
    DataType from = to == DataType.BFLOAT16 ? DataType.FLOAT32 : DataType.BFLOAT16;
    TensorType x = Check.typed(name(), "input", inputs.get(0), from);
    return List.of(new TensorType(to, x.shape()));
  }

  /** {@code value} of float32 in the type of {@code factor}: itself or its cast. */
  static Value toTypeOf(Value factor, Value value, Gradients g) {
    return factor.type().dtype() == DataType.FLOAT32
        ? value
        : g.builder().add(value.name() + "_cast", new Cast(factor.type().dtype()), value);
  }

  @Override
  public void gradient(Gradients g) {
    g.accumulate(0, g.gradOutput(0));
  }
}
