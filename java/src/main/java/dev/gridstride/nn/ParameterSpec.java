package dev.gridstride.nn;

import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;

/**
 * A persistent tensor of a model and how it begins.
 *
 * @param value of role parameter if it is learned, of role state if not
 * @param initializer of its first values
 * @param trainable whether the optimiser changes it; false for running statistics
 */
public record ParameterSpec(Value value, Initializer initializer, boolean trainable) {
  /** Name of the value, for example {@code conv1.weight}. */
  public String name() {
    return value.name();
  }

  /**
   * The first values. They depend on {@code seed}, name and shape alone, not on the order in which
   * parameters are created.
   */
  public Tensor initial(long seed) {
    float[] values = initializer.values(value.shape(), Seeds.derive(seed, name()));
    return Tensor.of(value.shape(), values);
  }
}
