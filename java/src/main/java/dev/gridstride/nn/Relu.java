package dev.gridstride.nn;

import dev.gridstride.program.Value;

/** {@code max(x, 0)}, elementwise, of an input of any shape. */
public record Relu() implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    return scope.add(new dev.gridstride.program.op.Relu(), x);
  }

  @Override
  public String kind() {
    return "relu";
  }

  @Override
  public String toString() {
    return "ReLU";
  }
}
