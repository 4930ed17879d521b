package dev.gridstride.program.op;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.TensorType;
import java.util.List;

/**
 * Stochastic gradient descent with momentum, in place, as PyTorch defines it:
 *
 * <pre>
 * g = g + weightDecay * w
 * u = momentum * u + g
 * w = w - lr * (nesterov ? g + momentum * u : u)
 * </pre>
 *
 * <p>Keras keeps {@code -lr * u} instead of {@code u}, which differs while the learning rate
 * changes. Inputs: w, g, u of one shape, lr float32. Outputs, in place: w, u.
 *
 * @param momentum decay of the velocity u; 0 for none
 * @param nesterov whether the step looks ahead (Sutskever et al., 2013)
 * @param weightDecay L2 decay added to the gradient
 */
public record Sgd(float momentum, boolean nesterov, float weightDecay) implements Op {
  /** Checks the ranges. */
  public Sgd {
    if (!(momentum >= 0 && momentum < 1)) {
      throw new ProgramException("sgd: momentum must be in [0, 1), got " + momentum);
    }
    if (nesterov && momentum == 0) {
      throw new ProgramException("sgd: nesterov needs a momentum above 0");
    }
    if (!(weightDecay >= 0)) {
      throw new ProgramException("sgd: weightDecay must not be negative, got " + weightDecay);
    }
  }

  @Override
  public String name() {
    return "sgd";
  }

  @Override
  public List<TensorType> outputTypes(List<TensorType> inputs) {
    Check.count(name(), inputs, 4, 4);
    TensorType w = inputs.get(0);
    Check.floats(name(), "weight", w);
    Check.same(name(), "gradient", w, inputs.get(1));
    Check.same(name(), "velocity", w, inputs.get(2));
    Check.scalar(name(), "learning rate", inputs.get(3), DataType.FLOAT32);
    return List.of(w, w);
  }
}
