package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Batch normalisation with given statistics, for evaluation and for frozen layers: {@code y =
 * gamma[c] * (x - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]}. Inputs: x [N,C] or [N,C,H,W],
 * gamma, beta, mean, variance [C]. Output: as x.
 *
 * @param epsilon added to the variance
 */
public record BatchNormInference(float epsilon) implements Op {
  @Override
  public String name() {
    return "batch_norm_inference";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 5, 5);
    TensorType perChannel = BatchNorm.perChannel(name(), inputs);
    Check.same(name(), "mean", perChannel, inputs.get(3));
    Check.same(name(), "variance", perChannel, inputs.get(4));
    return List.of(inputs.get(0));
  }

  @Override
  public void gradient(Gradients g) {
    BatchNorm.addBackward(g, new BatchNormBackward(epsilon, false), g.input(3), g.input(4));
  }
}
