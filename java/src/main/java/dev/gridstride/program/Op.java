package dev.gridstride.program;

import java.util.List;

/**
 * One kind of computation with its attributes: an immutable record that says what it computes,
 * which shapes it takes, and how gradients pass through it. It computes nothing itself; backends
 * do.
 */
public interface Op {
  /** The op's name in messages, kernels, tests and benchmarks, in snake case. */
  String name();

  /**
   * The shape rule: types of the outputs for these inputs.
   *
   * @throws ProgramException if the inputs do not fit, naming op, argument, expected and got
   */
  List<TensorType> outputTypes(List<TensorType> inputs);

  /**
   * Whether dimension 0 of an output counts samples of the batch.
   *
   * @param output index of the output
   * @param anyInputBatched whether any input is batched
   * @return by default, {@code anyInputBatched}; false for sums over the batch
   */
  default boolean outputBatched(int output, boolean anyInputBatched) {
    return anyInputBatched;
  }

  /**
   * The gradient rule: adds ops that compute the gradients of the inputs that need one and hands
   * them to {@link Gradients#accumulate}.
   *
   * @throws ProgramException if the op has no gradient, which is the default
   */
  default void gradient(Gradients gradients) {
    throw new ProgramException(name() + ": has no gradient");
  }

  /**
   * Floating-point operations of one run, a multiply and an add counted as two. Zero for ops whose
   * cost is memory traffic.
   */
  default long flops(List<TensorType> inputs, List<TensorType> outputs) {
    return 0;
  }
}
