package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Adam, Algorithm 1 of Kingma and Ba (2015), in place, with {@code t = step + 1}:
 *
 * <pre>
 * m = beta1 * m + (1 - beta1) * g
 * v = beta2 * v + (1 - beta2) * g * g
 * w = w - lr * (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weightDecay * w)
 * </pre>
 *
 * <p>Epsilon stands outside the root and next to the corrected v, as in PyTorch; Keras and
 * TensorFlow use the paper's "epsilon hat", next to the uncorrected one. With weightDecay, this is
 * AdamW (Loshchilov and Hutter, 2019): decay is decoupled from the gradient and multiplied by the
 * learning rate, as in PyTorch.
 *
 * <p>Inputs: w, g, m, v of one shape, step int64, lr float32. Outputs, in place: w, m, v.
 *
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon keeps the quotient finite
 * @param weightDecay decoupled decay; 0 for plain Adam
 */
public record Adam(float beta1, float beta2, float epsilon, float weightDecay) implements Op {
  /** Checks the ranges. */
  public Adam {
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) {
      throw new ProgramException("adam: betas must be in [0, 1), got " + beta1 + " and " + beta2);
    }
    if (!(epsilon > 0)) {
      throw new ProgramException("adam: epsilon must be positive, got " + epsilon);
    }
    if (!(weightDecay >= 0)) {
      throw new ProgramException("adam: weightDecay must not be negative, got " + weightDecay);
    }
  }

  @Override
  public String name() {
    return "adam";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 6, 6);
    TensorType w = inputs.get(0);
    Check.floats(name(), "weight", w);
    Check.same(name(), "gradient", w, inputs.get(1));
    Check.same(name(), "first moment", w, inputs.get(2));
    Check.same(name(), "second moment", w, inputs.get(3));
    Check.scalar(name(), "step", inputs.get(4), DataType.INT64);
    Check.scalar(name(), "learning rate", inputs.get(5), DataType.FLOAT32);
    return List.of(w, w, w);
  }
}
