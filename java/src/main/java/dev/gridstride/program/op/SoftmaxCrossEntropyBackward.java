package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link SoftmaxCrossEntropy} with respect to its logits: {@code dx[n,k] = g * (p[n,k]
 * * sum over j of t[n,j] - t[n,k]) / N}; the sum is 1 for every label that is a distribution.
 * Inputs: probabilities p [N,K], labels, g scalar. Output: dx [N,K].
 *
 * @param labelSmoothing as in the forward op
 */
public record SoftmaxCrossEntropyBackward(float labelSmoothing) implements Op {
  @Override
  public String name() {
    return "softmax_cross_entropy_backward";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 3, 3);
    Shape p = Check.floats(name(), "probabilities", inputs.get(0), 2);
    Check.labels(name(), p, inputs.get(1));
    Check.scalar(name(), "gradLoss", inputs.get(2), DataType.FLOAT32);
    return List.of(inputs.get(0));
  }
}
