package dev.gridstride.program.op;

import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * Batch normalisation with the batch's own statistics (Ioffe and Szegedy, 2015), for training:
 * {@code y = gamma[c] * (x - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]}, mean and (biased)
 * variance taken per channel over all other dimensions. Inputs: x [N,C] or [N,C,H,W], gamma [C],
 * beta [C]. Outputs: y as x, mean [C], variance [C]; gradients pass through y only.
 *
 * @param epsilon added to the variance
 */
public record BatchNorm(float epsilon) implements Op {
  @Override
  public String name() {
    return "batch_norm";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 3, 3);
    TensorType perChannel = perChannel(name(), inputs);
    return List.of(inputs.get(0), perChannel, perChannel);
  }

  /** Checks x and gamma and beta, inputs 0 to 2; the type [C] of the rest. */
  static TensorType perChannel(String op, List<TensorType> inputs) {
    Shape x = Check.floats(op, "input", inputs.get(0));
    Check.that(x.rank() == 2 || x.rank() == 4, op, "input must be [N,C] or [N,C,H,W], got " + x);
    TensorType perChannel = TensorType.float32(x.dim(1));
    Check.same(op, "gamma", perChannel, inputs.get(1));
    Check.same(op, "beta", perChannel, inputs.get(2));
    return perChannel;
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return output == 0 && anyInputBatched;
  }

  @Override
  public void gradient(Gradients g) {
    Check.that(
        g.gradOutput(1) == null && g.gradOutput(2) == null,
        name(),
        "has no gradient through its outputs mean and variance, and the loss depends on them");
    addBackward(g, new BatchNormBackward(epsilon, true), g.output(1), g.output(2));
  }

  static void addBackward(Gradients g, BatchNormBackward op, Value mean, Value variance) {
    List<Value> grads =
        g.builder()
            .addAll(
                g.gradName(0),
                op,
                List.of(g.input(0), g.input(1), mean, variance, g.gradOutput(0)));
    for (int i = 0; i < 3; i++) {
      if (g.needed(i)) {
        g.accumulate(i, grads.get(i));
      }
    }
  }
}
