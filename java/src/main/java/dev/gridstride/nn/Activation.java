package dev.gridstride.nn;

/** What a convolution or dense layer applies to its result. */
public enum Activation {
  /** Nothing. */
  NONE,
  /** {@code max(x, 0)}. */
  RELU
}
