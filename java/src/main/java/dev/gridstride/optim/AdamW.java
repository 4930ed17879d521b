package dev.gridstride.optim;

import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Schedule;
import java.util.Map;
import java.util.Objects;

/**
 * AdamW (Loshchilov and Hutter, 2019): {@link Adam} with a weight decay that does not pass through
 * the moments. With m and v as there:
 *
 * <pre>
 * w = w - lr * ((m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + weightDecay * w)
 * </pre>
 *
 * <p>The decay is multiplied by the learning rate and applies to every parameter, biases too, as in
 * PyTorch. Defaults: as Adam's, weightDecay 0.01 (PyTorch's; Keras's is 0.004). States: {@code
 * adam.m/NAME} and {@code adam.v/NAME}.
 *
 * @param schedule the learning rate, lr
 * @param beta1 decay of the first moment m, in [0, 1)
 * @param beta2 decay of the second moment v, in [0, 1)
 * @param epsilon keeps the quotient finite, above 0
 * @param weightDecay fraction of w, times lr, taken off each step
 */
public record AdamW(Schedule schedule, float beta1, float beta2, float epsilon, float weightDecay)
    implements Optimizer {
  /** Checks the ranges. */
  public AdamW {
    Objects.requireNonNull(schedule, "schedule");
    Adam.rule(beta1, beta2, epsilon, weightDecay); // The op checks the ranges.
  }

  /** AdamW with the defaults. */
  public static AdamW defaults() {
    return new AdamW(new Schedule.Constant(0.001), 0.9f, 0.999f, 1e-7f, 0.01f);
  }

  /** With a learning rate that stays the same. */
  public AdamW learningRate(double rate) {
    return schedule(new Schedule.Constant(rate));
  }

  @Override
  public AdamW schedule(Schedule other) {
    return new AdamW(other, beta1, beta2, epsilon, weightDecay);
  }

  /** With these decays of the moments. */
  public AdamW betas(float first, float second) {
    return new AdamW(schedule, first, second, epsilon, weightDecay);
  }

  /** With this epsilon. */
  public AdamW epsilon(float other) {
    return new AdamW(schedule, beta1, beta2, other, weightDecay);
  }

  /** With this weight decay. */
  public AdamW weightDecay(float other) {
    return new AdamW(schedule, beta1, beta2, epsilon, other);
  }

  @Override
  public void addUpdates(
      Program.Builder builder, Map<Value, Value> gradients, Value step, Value learningRate) {
    Adam.addUpdates(
        Adam.rule(beta1, beta2, epsilon, weightDecay), builder, gradients, step, learningRate);
  }

  /** For example {@code AdamW (beta1 0.9, beta2 0.999, epsilon 1.0E-7, weight decay 0.01)}. */
  @Override
  public String toString() {
    return "AdamW (beta1 "
        + beta1
        + ", beta2 "
        + beta2
        + ", epsilon "
        + epsilon
        + ", weight decay "
        + weightDecay
        + ")";
  }
}
