package dev.gridstride.train;

/**
 * Figures of the epoch in progress as they last came from the device, all of the same moment: a
 * short while, or a few steps, ago. Asking for them does not wait for the device and does not
 * allocate. Before the first have come, the step is the one at which this run of the epoch began,
 * and figures that need a step are NaN.
 */
public interface Recent {
  /** Steps of the epoch that the figures cover. */
  int stepInEpoch();

  /** Mean loss of the epoch up to there. */
  double loss();

  /** Accuracy of the epoch up to there, NaN unless classification. */
  double accuracy();

  /** Training samples a second up to there, as far as this process trained them. */
  double imagesPerSecond();
}
