package dev.gridstride.program.op;

import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link BatchNorm} and {@link BatchNormInference}. With {@code xh = (x - mean) /
 * sqrt(variance + epsilon)} and M elements a channel: {@code dbeta = sum of dy}, {@code dgamma =
 * sum of dy * xh}, and {@code dx = gamma / sqrt(variance + epsilon) * (dy - (dbeta + xh * dgamma) /
 * M)} if the statistics are the batch's own, without the second term if not. Inputs: x, gamma,
 * mean, variance, dy. Outputs: dx, dgamma, dbeta.
 *
 * @param epsilon as in the forward op
 * @param batchStatistics whether mean and variance depend on x
 */
public record BatchNormBackward(float epsilon, boolean batchStatistics) implements Op {
  @Override
  public String name() {
    return "batch_norm_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 5, 5);
    Shape x = Check.floats(name(), "input", inputs.get(0));
    Check.that(
        x.rank() == 2 || x.rank() == 4, name(), "input must be [N,C] or [N,C,H,W], got " + x);
    TensorType perChannel = TensorType.float32(x.dim(1));
    Check.same(name(), "gamma", perChannel, inputs.get(1));
    Check.same(name(), "mean", perChannel, inputs.get(2));
    Check.same(name(), "variance", perChannel, inputs.get(3));
    Check.same(name(), "gradOutput", inputs.get(0), inputs.get(4));
    return List.of(inputs.get(0), perChannel, perChannel);
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return output == 0 && anyInputBatched;
  }
}
