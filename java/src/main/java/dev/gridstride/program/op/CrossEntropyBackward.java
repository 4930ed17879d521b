package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Gradient of {@link CrossEntropy}: {@code dp[n,k] = p[n,k] > 1e-7 ? -g * t[n,k] / (N * p[n,k]) :
 * 0}. Inputs: p [N,K], labels, g scalar. Output: dp [N,K].
 *
 * @param labelSmoothing as in the forward op
 */
public record CrossEntropyBackward(float labelSmoothing) implements Op {
  @Override
  public String name() {
    return "cross_entropy_backward";
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
