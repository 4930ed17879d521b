package dev.gridstride.optim;

import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Schedule;
import java.util.Map;

/**
 * How parameters follow their gradients. Like a layer, an optimiser computes nothing: it adds ops
 * to the training program. What it remembers from step to step are states of that program, zero at
 * first, named {@code optimizer.what/parameter}, for example {@code adam.m/conv1.weight}.
 */
public interface Optimizer {
  /**
   * Adds an update in place for each parameter.
   *
   * @param builder the training program
   * @param gradients of each parameter, as {@code Differentiate} returns them
   * @param step int64 scalar: how many steps are done, 0 at the first
   * @param learningRate float32 scalar of this step
   */
  void addUpdates(
      Program.Builder builder, Map<Value, Value> gradients, Value step, Value learningRate);

  /** The learning rate as a function of the step. */
  Schedule schedule();

  /** This optimiser with another learning rate. */
  Optimizer schedule(Schedule other);
}
