package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * {@link Softmax} and mean cross-entropy in one, by log-sum-exp: {@code loss = 1/N * sum over n,k
 * of t[n,k] * (log(sum over j of exp(x[n,j] - max)) + max - x[n,k])} with {@code t} as in {@link
 * CrossEntropy}. Inputs: logits x [N,K], labels int32 [N] or float32 [N,K]. Outputs: loss scalar,
 * probabilities [N,K].
 *
 * @param labelSmoothing s, from 0 (none) to below 1
 */
public record SoftmaxCrossEntropy(float labelSmoothing) implements Op {
  /** Checks the smoothing. */
  public SoftmaxCrossEntropy {
    Check.smoothing("softmax_cross_entropy", labelSmoothing);
  }

  @Override
  public String name() {
    return "softmax_cross_entropy";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape x = Check.floats(name(), "logits", inputs.get(0), 2);
    Check.labels(name(), x, inputs.get(1));
    return List.of(TensorType.scalar(DataType.FLOAT32), inputs.get(0));
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return output == 1 && anyInputBatched;
  }

  @Override
  public void gradient(Gradients g) {
    if (g.gradOutput(0) != null) {
      Op op = new SoftmaxCrossEntropyBackward(labelSmoothing);
      g.accumulate(0, g.builder().add(g.gradName(0), op, g.output(1), g.input(1), g.gradOutput(0)));
    }
    if (g.gradOutput(1) != null) {
      g.accumulate(
          0, g.builder().add(g.gradName(0), new SoftmaxBackward(), g.gradOutput(1), g.output(1)));
    }
  }
}
