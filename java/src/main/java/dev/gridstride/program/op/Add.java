package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Elementwise sum {@code y = a + b} of two tensors of one shape; a residual connection, for
 * example.
 */
public record Add() implements Op {
  @Override
  public String name() {
    return "add";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Check.floats(name(), "a", inputs.get(0));
    Check.same(name(), "b", inputs.get(0), inputs.get(1));
    return List.of(inputs.get(0));
  }

  @Override
  public void gradient(Gradients g) {
    for (int i = 0; i < 2; i++) {
      if (g.needed(i)) {
        g.accumulate(i, g.gradOutput(0));
      }
    }
  }
}
