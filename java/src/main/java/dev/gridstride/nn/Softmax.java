package dev.gridstride.nn;

import dev.gridstride.program.Value;

/**
 * Softmax of each row: scores [N,K] to probabilities [N,K]. In training, it merges with the
 * cross-entropy after it.
 */
public record Softmax() implements Layer {
  @Override
  public Value apply(Scope scope, Value x) {
    return scope.add(new dev.gridstride.program.op.Softmax(), x);
  }

  @Override
  public String kind() {
    return "softmax";
  }

  @Override
  public String toString() {
    return "Softmax";
  }
}
