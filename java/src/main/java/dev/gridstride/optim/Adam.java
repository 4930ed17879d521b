package dev.gridstride.optim;

import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Schedule;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Adam, Algorithm 1 of Kingma and Ba (2015), with {@code t = step + 1}:
 *
 * <pre>
 * m = beta1 * m + (1 - beta1) * g
 * v = beta2 * v + (1 - beta2) * g * g
 * w = w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * </pre>
 *
 * <p>Defaults are Keras's: learning rate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-7; PyTorch's
 * epsilon is 1e-8. Epsilon stands next to the corrected v, as in PyTorch; Keras and TensorFlow add
 * it to the uncorrected one. States: {@code adam.m/NAME} and {@code adam.v/NAME}; the step count is
 * the program's.
 *
 * @param schedule the learning rate, lr
 * @param beta1 decay of the first moment m, in [0, 1)
 * @param beta2 decay of the second moment v, in [0, 1)
 * @param epsilon keeps the quotient finite, above 0
 */
public record Adam(Schedule schedule, float beta1, float beta2, float epsilon)
    implements Optimizer {
  /** Checks the ranges. */
  public Adam {
    Objects.requireNonNull(schedule, "schedule");
    rule(beta1, beta2, epsilon, 0); // The op checks the ranges.
  }

  /** Adam with Keras's defaults. */
  public static Adam defaults() {
    return new Adam(new Schedule.Constant(0.001), 0.9f, 0.999f, 1e-7f);
  }

  /** With a learning rate that stays the same. */
  public Adam learningRate(double rate) {
    return schedule(new Schedule.Constant(rate));
  }

  @Override
  public Adam schedule(Schedule other) {
    return new Adam(other, beta1, beta2, epsilon);
  }

  /** With these decays of the moments. */
  public Adam betas(float first, float second) {
    return new Adam(schedule, first, second, epsilon);
  }

  /** With this epsilon. */
  public Adam epsilon(float other) {
    return new Adam(schedule, beta1, beta2, other);
  }

  @Override
  public void addUpdates(
      Program.Builder builder, Map<Value, Value> gradients, Value step, Value learningRate) {
    addUpdates(rule(beta1, beta2, epsilon, 0), builder, gradients, step, learningRate);
  }

  /** The op, which checks the ranges. */
  static dev.gridstride.program.op.Adam rule(
      float beta1, float beta2, float epsilon, float weightDecay) {
    return new dev.gridstride.program.op.Adam(beta1, beta2, epsilon, weightDecay);
  }

  /** What Adam and AdamW share: moments as states, and the op on each parameter. */
  static void addUpdates(
      dev.gridstride.program.op.Adam rule,
      Program.Builder builder,
      Map<Value, Value> gradients,
      Value step,
      Value learningRate) {
    gradients.forEach(
        (weight, gradient) -> {
          Value m = builder.state("adam.m/" + weight.name(), weight.type());
          Value v = builder.state("adam.v/" + weight.name(), weight.type());
          builder.update(
              rule, List.of(weight, gradient, m, v, step, learningRate), List.of(weight, m, v));
        });
  }

  /** For example {@code Adam (beta1 0.9, beta2 0.999, epsilon 1.0E-7)}. */
  @Override
  public String toString() {
    return "Adam (beta1 " + beta1 + ", beta2 " + beta2 + ", epsilon " + epsilon + ")";
  }
}
