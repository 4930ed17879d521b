package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Op;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Mean cross-entropy of probabilities against labels: {@code loss = -1/N * sum over n,k of t[n,k] *
 * log(max(p[n,k], 1e-7))}, where {@code t} is the one-hot row of a class index or the soft label
 * itself, smoothed as {@code t * (1 - s) + s / K}. The floor of 1e-7 is Keras's. Inputs: p [N,K],
 * labels int32 [N] or float32 [N,K]. Output: scalar.
 *
 * <p>After a softmax, {@link dev.gridstride.program.pass.Fuse} turns the pair into {@link
 * SoftmaxCrossEntropy}, which needs no floor.
 *
 * @param labelSmoothing s, from 0 (none) to below 1
 */
public record CrossEntropy(float labelSmoothing) implements Op {
  /** Least probability whose logarithm is taken. */
  public static final float FLOOR = 1e-7f;

  /** Checks the smoothing. */
  public CrossEntropy {
    Check.smoothing("cross_entropy", labelSmoothing);
  }

  @Override
  public String name() {
    return "cross_entropy";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 2, 2);
    Shape p = Check.floats(name(), "probabilities", inputs.get(0), 2);
    Check.labels(name(), p, inputs.get(1));
    return List.of(TensorType.scalar(DataType.FLOAT32));
  }

  @Override
  public boolean outputBatched(int output, boolean anyInputBatched) {
    return false;
  }

  @Override
  public void gradient(Gradients g) {
    Op op = new CrossEntropyBackward(labelSmoothing);
    g.accumulate(0, g.builder().add(g.gradName(0), op, g.input(0), g.input(1), g.gradOutput(0)));
  }
}
