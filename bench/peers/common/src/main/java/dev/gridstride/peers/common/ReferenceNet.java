package dev.gridstride.peers.common;

import java.util.Random;

/**
 * The net that every peer trains, as numbers: its sizes, its optimiser and its initial weights.
 *
 * <p>Input 3x32x32, Conv 3x3x32 valid, ReLU, MaxPool 2, Conv 3x3x64 valid, ReLU, MaxPool 2,
 * Flatten, Dense 128, ReLU, Dense 10, softmax cross-entropy; 315,722 parameters.
 *
 * <p>Weights are Glorot-uniform, biases zero. The numbers are drawn in one fixed sequence from the
 * seed and each peer pours them into its own weight layout, so two peers with the same seed share
 * the numbers but not necessarily the places.
 *
 * @param conv1 weights of the first convolution, 32 x 3 x 3 x 3 numbers
 * @param conv2 weights of the second convolution, 64 x 32 x 3 x 3 numbers
 * @param dense1 weights of the first dense layer, 128 x 2,304 numbers
 * @param dense2 weights of the second dense layer, 10 x 128 numbers
 */
public record ReferenceNet(float[] conv1, float[] conv2, float[] dense1, float[] dense2) {

  /** Height and width of both convolution kernels. */
  public static final int KERNEL = 3;

  /** Height, width and stride of both poolings. */
  public static final int POOL = 2;

  /** Output channels of the first convolution. */
  public static final int CONV1 = 32;

  /** Output channels of the second convolution. */
  public static final int CONV2 = 64;

  /** Height and width after the first convolution. */
  public static final int CONV1_SIDE = Cifar10.SIDE - KERNEL + 1;

  /** Height and width after the first pooling. */
  public static final int POOL1_SIDE = CONV1_SIDE / POOL;

  /** Height and width after the second convolution. */
  public static final int CONV2_SIDE = POOL1_SIDE - KERNEL + 1;

  /** Height and width after the second pooling, which drops the odd last row and column. */
  public static final int POOL2_SIDE = CONV2_SIDE / POOL;

  /** Inputs of the first dense layer. */
  public static final int FLAT = CONV2 * POOL2_SIDE * POOL2_SIDE;

  /** Outputs of the first dense layer. */
  public static final int DENSE1 = 128;

  /** Outputs of the second dense layer: the classes. */
  public static final int DENSE2 = Cifar10.CLASSES;

  /** Adam's step size. */
  public static final float LEARNING_RATE = 1e-3f;

  /** Decay of Adam's first moment. */
  public static final float BETA1 = 0.9f;

  /** Decay of Adam's second moment. */
  public static final float BETA2 = 0.999f;

  /** Adam's epsilon, Keras's default. */
  public static final float EPSILON = 1e-7f;

  /** Draws the initial weights. */
  public static ReferenceNet initial(long seed) {
    Random random = new Random(seed);
    int window = KERNEL * KERNEL;
    return new ReferenceNet(
        glorot(
            random, Cifar10.CHANNELS * window, CONV1 * window, CONV1 * Cifar10.CHANNELS * window),
        glorot(random, CONV1 * window, CONV2 * window, CONV2 * CONV1 * window),
        glorot(random, FLAT, DENSE1, DENSE1 * FLAT),
        glorot(random, DENSE1, DENSE2, DENSE2 * DENSE1));
  }

  private static float[] glorot(Random random, int fanIn, int fanOut, int size) {
    double bound = Math.sqrt(6.0 / (fanIn + fanOut));
    float[] weights = new float[size];
    for (int i = 0; i < size; i++) {
      weights[i] = (float) ((2 * random.nextDouble() - 1) * bound);
    }
    return weights;
  }
}
