package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Inverted dropout: {@code y[i] = u[i] < rate ? 0 : x[i] / (1 - rate)}, {@code u[i]} uniform in [0,
 * 1): {@link dev.gridstride.program.Philox} under the key {@code seed} at counter ({@code i / 4},
 * step), word {@code i % 4}, i being the row-major index in the whole batch. The mask depends on
 * nothing else, so the gradient is the same op applied to dy. Inputs: x, step int64. Output: as x.
 *
 * @param rate probability of a zero, from 0 to below 1
 * @param seed of the mask; give every layer its own
 */
public record Dropout(float rate, long seed) implements Op {
  /** Checks the rate. */
  public Dropout {
    if (!(rate >= 0 && rate < 1)) {
      throw new ProgramException("dropout: rate must be in [0, 1), got " + rate);
    }
  }

  @Override
  public String name() {
    return "dropout";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.floats(name(), "input", inputs.get(0));
    Check.scalar(name(), "step", inputs.get(1), DataType.INT64);
    return List.of(inputs.get(0));
  }

  @Override
  public void gradient(Gradients g) {
    g.accumulate(0, g.builder().add(g.gradName(0), this, g.gradOutput(0), g.input(1)));
  }
}
