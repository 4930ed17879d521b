package dev.gridstride.nn;

import dev.gridstride.program.Shape;

/**
 * First values of a parameter. {@link Initializers} has those that a model file can name.
 *
 * <p>Fans are those of PyTorch and Keras: for a weight [O,K], fan in is K and fan out O; for a
 * weight [O,C/G,KH,KW], fan in is C/G * KH * KW and fan out O * KH * KW, the receptive field times
 * the channels. With groups, fan in thus counts the C/G channels that a filter reads, while fan out
 * counts all filters.
 */
@FunctionalInterface
public interface Initializer {
  /**
   * Values in row-major order.
   *
   * @param shape of the parameter
   * @param seed of this parameter alone; the same seed gives the same values on every machine
   * @throws dev.gridstride.program.ProgramException if the initialiser does not fit the shape
   */
  float[] values(Shape shape, long seed);
}
