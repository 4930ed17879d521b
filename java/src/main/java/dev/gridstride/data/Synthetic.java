package dev.gridstride.data;

import dev.gridstride.program.Philox;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;

/**
 * Images drawn from a seed, for trying things without any file: each class has a smooth pattern of
 * its own, and each image is that pattern at a random strength under noise.
 *
 * <p>Byte at channel c, row y, column x of an image of class k: {@code 128 + 50 a p(k, c, y, x) +
 * u}, clipped to 0..255, where p is a plane wave {@code sin(2 pi (fy y / H + fx x / W) + phase)} of
 * random frequencies (integers from 1 to 4) and phase per class and channel, a is uniform in [0.5,
 * 1.5) per image and u uniform in [-64, 64) per byte. Every draw is a word of {@link Philox}. Image
 * i is of class i mod classes. A small CNN or dense net learns this within an epoch.
 */
public final class Synthetic {
  private static final int NOISE = 64;
  private static final double AMPLITUDE = 50;

  private Synthetic() {}

  /**
   * {@code count} images.
   *
   * @param name of the data set
   * @param sampleShape [channels, height, width]
   * @param classes number of classes
   * @param count number of images
   * @param seed of the classes' patterns and everything else
   * @param part 0 for training, 1 for test: the same patterns, other noise
   */
  public static Dataset of(
      String name, Shape sampleShape, int classes, int count, long seed, int part) {
    if (sampleShape.rank() != 3 || classes < 1 || count < 1) {
      throw DataException.expected(
          name,
          "a sample shape [channels, height, width], at least 1 class and 1 image",
          sampleShape + ", " + classes + " classes, " + count + " images");
    }
    int sample = Math.toIntExact(sampleShape.elements());
    double[][] patterns = new double[classes][];
    for (int k = 0; k < classes; k++) {
      patterns[k] = pattern(sampleShape, seed, k);
    }
    byte[] bytes = new byte[Math.multiplyExact(count, sample)];
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = i % classes;
      double strength = AMPLITUDE * (0.5 + Philox.uniform(Philox.word(seed, i, 2L + part, 0)));
      double[] pattern = patterns[labels[i]];
      for (int j = 0; j < sample; j++) {
        long counter = (long) i * sample + j;
        int random = Philox.word(~seed, counter / 4, 2L + part, (int) (counter % 4));
        double noise = Philox.below(random, 2 * NOISE) - NOISE;
        double value = 128 + strength * pattern[j] + noise;
        bytes[i * sample + j] = (byte) Math.max(0, Math.min(255, Math.round(value)));
      }
    }
    int[] dims = sampleShape.dims();
    return Dataset.of(
        name,
        Tensor.of(Shape.of(count, dims[0], dims[1], dims[2]), bytes),
        Tensor.of(Shape.of(count), labels),
        Dataset.numberedClasses(classes));
  }

  private static double[] pattern(Shape shape, long seed, int k) {
    int height = shape.dim(1);
    int width = shape.dim(2);
    double[] pattern = new double[Math.toIntExact(shape.elements())];
    for (int c = 0; c < shape.dim(0); c++) {
      long counter = (long) k * shape.dim(0) + c;
      int fy = 1 + Philox.below(Philox.word(seed, counter, 0, 0), 4);
      int fx = 1 + Philox.below(Philox.word(seed, counter, 0, 1), 4);
      double phase = Philox.uniform(Philox.word(seed, counter, 0, 2));
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          double turns = (double) (fy * y) / height + (double) (fx * x) / width + phase;
          pattern[(c * height + y) * width + x] = Math.sin(2 * Math.PI * turns);
        }
      }
    }
    return pattern;
  }
}
