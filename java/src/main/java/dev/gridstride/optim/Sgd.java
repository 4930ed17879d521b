package dev.gridstride.optim;

import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Schedule;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Stochastic gradient descent with momentum, as PyTorch defines it:
 *
 * <pre>
 * g = g + weightDecay * w
 * u = momentum * u + g
 * w = w - lr * (nesterov ? g + momentum * u : u)
 * </pre>
 *
 * <p>Keras keeps {@code -lr * u} instead of {@code u}, which differs while the learning rate
 * changes. Defaults: learning rate 0.01 (Keras's), no momentum, no decay. State: {@code
 * sgd.velocity/NAME}, u.
 *
 * @param schedule the learning rate, lr
 * @param momentum decay of the velocity u, in [0, 1)
 * @param nesterov whether the step looks ahead (Sutskever et al., 2013); needs a momentum
 * @param weightDecay L2 decay added to the gradient
 */
public record Sgd(Schedule schedule, float momentum, boolean nesterov, float weightDecay)
    implements Optimizer {
  /** Checks the ranges. */
  public Sgd {
    Objects.requireNonNull(schedule, "schedule");
    rule(momentum, nesterov, weightDecay); // The op checks the ranges.
  }

  /** Plain gradient descent. */
  public static Sgd defaults() {
    return new Sgd(new Schedule.Constant(0.01), 0, false, 0);
  }

  /** With a learning rate that stays the same. */
  public Sgd learningRate(double rate) {
    return schedule(new Schedule.Constant(rate));
  }

  @Override
  public Sgd schedule(Schedule other) {
    return new Sgd(other, momentum, nesterov, weightDecay);
  }

  /** With this momentum. */
  public Sgd momentum(float other) {
    return new Sgd(schedule, other, nesterov, weightDecay);
  }

  /** With Nesterov's momentum. */
  public Sgd nesterov(float other) {
    return new Sgd(schedule, other, true, weightDecay);
  }

  /** With this weight decay. */
  public Sgd weightDecay(float other) {
    return new Sgd(schedule, momentum, nesterov, other);
  }

  @Override
  public void addUpdates(
      Program.Builder builder, Map<Value, Value> gradients, Value step, Value learningRate) {
    dev.gridstride.program.op.Sgd rule = rule(momentum, nesterov, weightDecay);
    gradients.forEach(
        (weight, gradient) -> {
          Value velocity = builder.state("sgd.velocity/" + weight.name(), weight.type());
          builder.update(
              rule, List.of(weight, gradient, velocity, learningRate), List.of(weight, velocity));
        });
  }

  /** The op, which checks the ranges. */
  private static dev.gridstride.program.op.Sgd rule(
      float momentum, boolean nesterov, float weightDecay) {
    return new dev.gridstride.program.op.Sgd(momentum, nesterov, weightDecay);
  }

  /** For example {@code Sgd (momentum 0.9, nesterov, weight decay 5.0E-4)}. */
  @Override
  public String toString() {
    return "Sgd (momentum "
        + momentum
        + (nesterov ? ", nesterov" : "")
        + ", weight decay "
        + weightDecay
        + ")";
  }
}
