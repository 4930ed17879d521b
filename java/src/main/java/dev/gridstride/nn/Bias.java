package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BiasAdd;
import java.util.Objects;

/**
 * Adds one learned number per channel: {@code y[n,c,...] = x[n,c,...] + bias[c]}. Parameter: {@code
 * bias} [C].
 *
 * @param initializer of the bias
 */
public record Bias(Initializer initializer) implements Layer {
  /** Checks the initialiser. */
  public Bias {
    Objects.requireNonNull(initializer, "initializer");
  }

  /** A bias that begins with zeros. */
  public static Bias of() {
    return new Bias(Initializers.zeros());
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() < 2) {
      throw new ProgramException("input must be [N,C,...], got " + x.shape());
    }
    Value bias = scope.parameter("bias", Shape.of(x.shape().dim(1)), initializer);
    return scope.add(new BiasAdd(), x, bias);
  }

  @Override
  public String kind() {
    return "bias";
  }

  @Override
  public String toString() {
    return "Bias";
  }
}
