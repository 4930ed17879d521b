package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Adds one number per channel: {@code y[n,c,...] = x[n,c,...] + b[c]}. Inputs: x [N,C,...], b [C].
 * Output: as x.
 */
public record BiasAdd() implements Op {
  @Override
  public String name() {
    return "bias_add";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape x = Check.floats(name(), "input", inputs.get(0));
    Check.that(x.rank() >= 2, name(), "input must have at least 2 dimensions, got " + x);
    Check.same(name(), "bias", TensorType.float32(x.dim(1)), inputs.get(1));
    return List.of(inputs.get(0));
  }

  @Override
  public void gradient(Gradients g) {
    if (g.needed(0)) {
      g.accumulate(0, g.gradOutput(0));
    }
    if (g.needed(1)) {
      g.accumulate(1, g.builder().add(g.gradName(1), new BiasBackward(), g.gradOutput(0)));
    }
  }
}
