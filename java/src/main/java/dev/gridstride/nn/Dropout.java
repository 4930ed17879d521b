package dev.gridstride.nn;

import dev.gridstride.program.Value;

/**
 * In training, zeroes each element with probability {@code rate} and scales the rest by {@code 1 /
 * (1 - rate)}; otherwise hands its input through. Each layer draws from a seed of its own, derived
 * from the model's seed and the layer's name; each step draws anew. See {@link
 * dev.gridstride.program.op.Dropout}.
 *
 * @param rate probability of a zero, from 0 to below 1
 */
public record Dropout(float rate) implements Layer {
  /** Checks the rate. */
  public Dropout {
    op(rate, 0); // The op checks the rate.
  }

  private static dev.gridstride.program.op.Dropout op(float rate, long seed) {
    return new dev.gridstride.program.op.Dropout(rate, seed);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    return scope.training() && rate > 0 ? scope.add(op(rate, scope.seed()), x, scope.step()) : x;
  }

  @Override
  public String kind() {
    return "dropout";
  }

  /** For example {@code Dropout 0.5}. */
  @Override
  public String toString() {
    return "Dropout " + rate;
  }
}
