package dev.gridstride.program;

/**
 * What a gradient rule sees of the program being differentiated: one node, the gradients of its
 * outputs, and where to leave those of its inputs.
 */
public interface Gradients {
  /** The node whose gradient rule runs. */
  Node node();

  /** The builder to which the rule adds ops. */
  Program.Builder builder();

  /** Gradient of output {@code i}, or null if the loss does not depend on it. */
  Value gradOutput(int i);

  /** Whether the gradient of input {@code i} is wanted. */
  boolean needed(int i);

  /** Adds {@code gradient} to the gradient of input {@code i}. */
  void accumulate(int i, Value gradient);

  /** Shorthand: input {@code i} of the node. */
  default Value input(int i) {
    return node().input(i);
  }

  /** Shorthand: output {@code i} of the node. */
  default Value output(int i) {
    return node().output(i);
  }

  /** Name for the gradient of input {@code i}, for example {@code d_conv1.weight}. */
  default String gradName(int i) {
    return "d_" + input(i).name();
  }
}
