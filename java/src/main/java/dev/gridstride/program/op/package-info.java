/**
 * The ops: one file each, an immutable record with its attributes, shape rule and gradient rule.
 *
 * <p>Images are N, C, H, W. Where an op has a backward op, that follows it by name: {@code Conv2d},
 * {@code Conv2dBackwardData}, {@code Conv2dBackwardWeights}.
 */
package dev.gridstride.program.op;
