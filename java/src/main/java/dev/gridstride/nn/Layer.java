package dev.gridstride.nn;

import dev.gridstride.program.Value;

/**
 * One layer of a network: options, and which ops it adds to a program. A layer computes nothing and
 * knows no gradients; ops do. The layers of this package are immutable records, so one object may
 * stand in several models.
 */
@FunctionalInterface
public interface Layer {
  /**
   * Adds this layer's ops and parameters to the program of {@code scope}.
   *
   * @param scope names what the layer adds and says whether the program is for training
   * @param x input with samples along dimension 0
   * @return the output
   * @throws dev.gridstride.program.ProgramException if the layer does not fit its input
   */
  Value apply(Scope scope, Value x);

  /**
   * What a {@link Sequential} calls layers of this class, followed by a number: {@code conv} for
   * {@code conv1}, {@code conv2}.
   */
  default String kind() {
    return "layer";
  }
}
