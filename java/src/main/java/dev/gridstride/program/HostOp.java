package dev.gridstride.program;

import java.util.List;

/**
 * An op that says in Java what it computes, plainly and in doubles. The {@code reference} device
 * runs it so; it is what the op's kernels on other devices are checked against.
 */
public interface HostOp extends Op {
  /**
   * Computes the outputs from the inputs.
   *
   * @param inputs the elements of each input in row-major order of its logical shape; integers as
   *     doubles. Not to be changed
   * @param inputTypes of each input
   * @param outputs zeros, to be filled in the same way
   */
  void compute(List<double[]> inputs, List<TensorType> inputTypes, List<double[]> outputs);
}
