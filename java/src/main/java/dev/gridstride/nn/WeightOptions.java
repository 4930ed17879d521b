package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import java.util.Objects;

/**
 * How a layer's weight and bias begin and what they cost; shared by {@link Conv2d} and {@link
 * Dense}.
 *
 * @param bias whether there is one
 * @param initializer of the weight
 * @param biasInitializer of the bias
 * @param l1 factor of the weight's absolute values in the loss
 * @param l2 factor of the weight's squares in the loss (PyTorch's weight_decay is twice this)
 */
public record WeightOptions(
    boolean bias, Initializer initializer, Initializer biasInitializer, float l1, float l2) {
  /** Glorot uniform weights, a bias of zeros, no penalty. */
  public static final WeightOptions DEFAULT =
      new WeightOptions(true, Initializers.glorotUniform(), Initializers.zeros(), 0, 0);

  /** Checks the options. */
  public WeightOptions {
    Objects.requireNonNull(initializer, "initializer");
    Objects.requireNonNull(biasInitializer, "biasInitializer");
    if (!(l1 >= 0 && l2 >= 0) || Float.isInfinite(l1) || Float.isInfinite(l2)) {
      throw new ProgramException(
          "layer: l1 and l2 must be finite and not negative, got " + l1 + " and " + l2);
    }
  }

  WeightOptions withBias(boolean wanted) {
    return new WeightOptions(wanted, initializer, biasInitializer, l1, l2);
  }

  WeightOptions withInitializer(Initializer other) {
    return new WeightOptions(bias, other, biasInitializer, l1, l2);
  }

  WeightOptions withBiasInitializer(Initializer other) {
    return new WeightOptions(bias, initializer, other, l1, l2);
  }

  WeightOptions withPenalty(float otherL1, float otherL2) {
    return new WeightOptions(bias, initializer, biasInitializer, otherL1, otherL2);
  }

  /** The inputs x, weight and, if there is one, bias of a layer's op. */
  Value[] inputs(Scope scope, Value x, Shape weightShape) {
    Value weight = scope.parameter("weight", weightShape, initializer);
    scope.penalty(weight, l1, l2);
    if (!bias) {
      return new Value[] {x, weight};
    }
    Shape biasShape = Shape.of(weightShape.dim(0));
    return new Value[] {x, weight, scope.parameter("bias", biasShape, biasInitializer)};
  }
}
