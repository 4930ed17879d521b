package dev.gridstride.data;

/** Brings an image to another size; the rule is in {@link Images}. */
final class Resample {
  private Resample() {}

  /**
   * The image at this size: the largest centred part with the target's proportions, resampled by a
   * triangle filter of half-width {@code max(1, scale)}, first along rows, then along columns.
   */
  static Image fit(Image image, int height, int width) {
    if (image.height() == height && image.width() == width) {
      return image;
    }
    double scale = Math.min((double) image.height() / height, (double) image.width() / width);
    double top = (image.height() - height * scale) / 2;
    double left = (image.width() - width * scale) / 2;
    int[][] columns = new int[width][];
    double[][] columnWeights = weights(image.width(), width, left, scale, columns);
    int[][] rows = new int[height][];
    double[][] rowWeights = weights(image.height(), height, top, scale, rows);
    byte[] result = new byte[image.channels() * height * width];
    double[] narrowed = new double[image.height() * width];
    for (int c = 0; c < image.channels(); c++) {
      int plane = c * image.height() * image.width();
      for (int y = 0; y < image.height(); y++) {
        for (int x = 0; x < width; x++) {
          double sum = 0;
          for (int t = 0; t < columns[x].length; t++) {
            int at = plane + y * image.width() + columns[x][t];
            sum += columnWeights[x][t] * (image.planes()[at] & 0xff);
          }
          narrowed[y * width + x] = sum;
        }
      }
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          double sum = 0;
          for (int t = 0; t < rows[y].length; t++) {
            sum += rowWeights[y][t] * narrowed[rows[y][t] * width + x];
          }
          result[(c * height + y) * width + x] = (byte) Math.round(Math.min(255, Math.max(0, sum)));
        }
      }
    }
    return new Image(image.channels(), height, width, result);
  }

  /**
   * Fills {@code taps} with the source positions of each target position; their weights sum to 1.
   */
  private static double[][] weights(
      int source, int target, double start, double scale, int[][] taps) {
    double reach = Math.max(1, scale);
    double[][] weights = new double[target][];
    for (int i = 0; i < target; i++) {
      double centre = start + (i + 0.5) * scale;
      int first = (int) Math.max(0, Math.floor(centre - reach + 0.5));
      int end = (int) Math.min(source, Math.floor(centre + reach + 0.5));
      first = Math.min(first, source - 1);
      end = Math.max(end, first + 1);
      taps[i] = new int[end - first];
      weights[i] = new double[end - first];
      double sum = 0;
      for (int t = 0; t < taps[i].length; t++) {
        taps[i][t] = first + t;
        double distance = Math.abs(first + t + 0.5 - centre) / reach;
        weights[i][t] = Math.max(0, 1 - distance);
        sum += weights[i][t];
      }
      for (int t = 0; t < weights[i].length; t++) {
        weights[i][t] = sum > 0 ? weights[i][t] / sum : 1.0 / weights[i].length;
      }
    }
    return weights;
  }
}
