package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;

/**
 * Fully connected layer; see {@link dev.gridstride.program.op.Dense} for the formula.
 *
 * <p>Input [N,...], whose trailing dimensions count as one, K; output [N,O]. Parameters: {@code
 * weight} [O,K] and {@code bias} [O]. Defaults: with bias, no activation, Glorot uniform.
 *
 * @param outFeatures O
 * @param activation applied to the result
 * @param weightOptions bias, initialisers and penalties
 */
public record Dense(int outFeatures, Activation activation, WeightOptions weightOptions)
    implements Layer {
  /** Checks the options. */
  public Dense {
    if (outFeatures < 1) {
      throw new ProgramException("Dense: outFeatures must be at least 1, got " + outFeatures);
    }
  }

  /** A dense layer with the defaults. */
  public static Dense of(int outFeatures) {
    return new Dense(outFeatures, Activation.NONE, WeightOptions.DEFAULT);
  }

  /** With a ReLU on the result. */
  public Dense relu() {
    return new Dense(outFeatures, Activation.RELU, weightOptions);
  }

  /** With or without a bias. */
  public Dense bias(boolean wanted) {
    return with(weightOptions.withBias(wanted));
  }

  /** With these first values of the weight. */
  public Dense initializer(Initializer initializer) {
    return with(weightOptions.withInitializer(initializer));
  }

  /** With these first values of the bias. */
  public Dense biasInitializer(Initializer initializer) {
    return with(weightOptions.withBiasInitializer(initializer));
  }

  /** With {@code l1 * sum of |w| + l2 * sum of w^2} of the weight in the loss. */
  public Dense penalty(float l1, float l2) {
    return with(weightOptions.withPenalty(l1, l2));
  }

  private Dense with(WeightOptions other) {
    return new Dense(outFeatures, activation, other);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() < 2) {
      throw new ProgramException("input must be [N,...], got " + x.shape());
    }
    Shape weight = Shape.of(outFeatures, Math.toIntExact(x.shape().elementsPerRow()));
    return scope.add(
        new dev.gridstride.program.op.Dense(activation == Activation.RELU),
        weightOptions.inputs(scope, x, weight));
  }

  @Override
  public String kind() {
    return "fc";
  }

  /** For example {@code Dense 128, ReLU}. */
  @Override
  public String toString() {
    return "Dense "
        + outFeatures
        + (weightOptions.bias() ? "" : ", no bias")
        + (activation == Activation.RELU ? ", ReLU" : "");
  }
}
