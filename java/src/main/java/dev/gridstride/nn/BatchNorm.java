package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BatchNormInference;
import dev.gridstride.program.op.MovingAverage;
import java.util.List;

/**
 * Batch normalisation per channel (Ioffe and Szegedy, 2015): {@code y = weight[c] * (x - mean[c]) /
 * sqrt(variance[c] + epsilon) + bias[c]}. Input and output [N,C] or [N,C,H,W].
 *
 * <p>In training, mean and biased variance are the batch's own, and running averages follow them:
 * {@code running = (1 - momentum) * running + momentum * batch}, the variance scaled by M / (M - 1)
 * for M elements a channel, M &gt; 1. Otherwise the running averages are used. Parameters: {@code
 * weight} [C], ones at first, and {@code bias} [C], zeros. States: {@code running_mean} [C], zeros,
 * and {@code running_var} [C], ones.
 *
 * <p>Names, meaning of momentum, unbiased running variance and defaults (momentum 0.1, epsilon
 * 1e-5) are PyTorch's. Keras calls 1 - momentum momentum and sets it to 0.99, here 0.01; its
 * epsilon is 1e-3, and its running variance is the biased one.
 *
 * @param momentum weight of the newest batch in the running averages, above 0 and at most 1
 * @param epsilon added to the variance, above 0
 */
public record BatchNorm(float momentum, float epsilon) implements Layer {
  /** Checks the ranges. */
  public BatchNorm {
    if (!(momentum > 0 && momentum <= 1)) {
      throw new ProgramException("BatchNorm: momentum must be in (0, 1], got " + momentum);
    }
    if (!(epsilon > 0) || Float.isInfinite(epsilon)) {
      throw new ProgramException("BatchNorm: epsilon must be positive, got " + epsilon);
    }
  }

  /** Batch normalisation with the defaults. */
  public static BatchNorm of() {
    return new BatchNorm(0.1f, 1e-5f);
  }

  /** With this weight of the newest batch. */
  public BatchNorm momentum(float other) {
    return new BatchNorm(other, epsilon);
  }

  /** With this epsilon. */
  public BatchNorm epsilon(float other) {
    return new BatchNorm(momentum, other);
  }

  @Override
  public Value apply(Scope scope, Value x) {
    if (x.shape().rank() != 2 && x.shape().rank() != 4) {
      throw new ProgramException("input must be [N,C] or [N,C,H,W], got " + x.shape());
    }
    Shape perChannel = Shape.of(x.shape().dim(1));
    Value weight = scope.parameter("weight", perChannel, Initializers.ones());
    Value bias = scope.parameter("bias", perChannel, Initializers.zeros());
    Value mean = scope.state("running_mean", perChannel, Initializers.zeros());
    Value variance = scope.state("running_var", perChannel, Initializers.ones());
    if (!scope.training()) {
      return scope.add(new BatchNormInference(epsilon), x, weight, bias, mean, variance);
    }
    List<Value> results =
        scope.addAll(new dev.gridstride.program.op.BatchNorm(epsilon), x, weight, bias);
    follow(scope, mean, results.get(1), 1);
    long count = x.shape().elements() / x.shape().dim(1);
    follow(scope, variance, results.get(2), count > 1 ? (float) ((double) count / (count - 1)) : 1);
    return results.get(0);
  }

  private void follow(Scope scope, Value average, Value batch, float scale) {
    MovingAverage op = new MovingAverage(momentum, scale);
    scope.builder().update(op, List.of(average, batch), List.of(average));
  }

  @Override
  public String kind() {
    return "bn";
  }

  @Override
  public String toString() {
    return "BatchNorm";
  }
}
