package dev.gridstride.peers.common;

/** The reference net as one peer builds it. */
public interface Net extends AutoCloseable {

  /** Version of the library under test. */
  String version();

  /** The settings of this run that the environment does not show, in a few words. */
  String settings();

  /** The order in which this peer wants an image's numbers. */
  Cifar10.Layout layout();

  /**
   * Trains on one batch: gather, forward, loss, backward, optimiser.
   *
   * @param images where the images are
   * @param order numbers of images
   * @param from first place in {@code order}
   * @param count images in this batch
   */
  Score train(Cifar10 images, int[] order, int from, int count);

  /** Classifies one batch and counts what is right; parameters as {@link #train}. */
  int countCorrect(Cifar10 images, int[] order, int from, int count);

  /** Frees native memory. */
  @Override
  void close();

  /**
   * What a training step saw, before its weights changed.
   *
   * @param meanLoss mean cross-entropy over the batch
   * @param correct images whose largest logit was their class, or {@link #NOT_COUNTED}
   */
  record Score(double meanLoss, int correct) {
    /** For a library whose training step does not give its outputs away. */
    public static final int NOT_COUNTED = -1;
  }

  /** Builds a net; whatever must be set before natives load has been set by then. */
  @FunctionalInterface
  interface Builder {
    /** Builds the net that the options ask for. */
    Net build(Options options);
  }
}
