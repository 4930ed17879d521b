/**
 * The training loop: {@link dev.gridstride.train.Trainer} builds the programs of a step, runs them
 * epoch by epoch and calls {@linkplain dev.gridstride.train.Callback callbacks}; a {@link
 * dev.gridstride.train.Checkpoint} lets a later run go on bit for bit.
 */
package dev.gridstride.train;
