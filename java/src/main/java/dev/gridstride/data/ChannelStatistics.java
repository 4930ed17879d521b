package dev.gridstride.data;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Mean and standard deviation of each channel of a data set, as the augmentation's normalisation
 * takes them.
 *
 * <p>Channel c is dimension 1 of the samples (the feature, for samples [n, features]); the m values
 * x of a channel are over all samples and positions, bytes scaled by 1/255, floats as they are:
 * {@code mean = sum(x) / m}, {@code std = sqrt(sum((x - mean)^2) / m)}, in double. A channel whose
 * values are all equal gets std 1, so that normalising only centres it.
 *
 * @param mean per channel
 * @param std per channel, positive
 */
public record ChannelStatistics(List<Float> mean, List<Float> std) {
  /** Copies the lists. */
  public ChannelStatistics {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
  }

  /** The statistics of all samples of {@code data}. */
  public static ChannelStatistics of(Dataset data) {
    Tensor samples = data.samples();
    int channels = samples.shape().dim(1);
    boolean bytes = samples.type().dtype() == DataType.UINT8;
    List<double[]> moments =
        IntStream.range(0, channels)
            .parallel()
            .mapToObj(c -> bytes ? ofBytes(samples, c) : ofFloats(samples, c))
            .toList();
    return new ChannelStatistics(
        moments.stream().map(m -> (float) m[0]).toList(),
        moments.stream().map(m -> m[1] > 0 ? (float) Math.sqrt(m[1]) : 1f).toList());
  }

  /** Mean and variance of a channel. */
  private static double[] ofBytes(Tensor samples, int channel) {
    byte[] bytes = samples.bytes();
    int plane = plane(samples);
    int channels = samples.shape().dim(1);
    long[] histogram = new long[256];
    for (int n = 0; n < samples.shape().dim(0); n++) {
      int start = (n * channels + channel) * plane;
      for (int i = start; i < start + plane; i++) {
        histogram[bytes[i] & 0xff]++;
      }
    }
    double count = (double) samples.shape().dim(0) * plane;
    double sum = 0;
    for (int v = 0; v < 256; v++) {
      sum += histogram[v] * (double) v;
    }
    double mean = sum / count;
    double squares = 0;
    for (int v = 0; v < 256; v++) {
      squares += histogram[v] * (v - mean) * (v - mean);
    }
    return new double[] {mean / 255, squares / count / (255.0 * 255.0)};
  }

  private static double[] ofFloats(Tensor samples, int channel) {
    float[] values = samples.floats();
    int plane = plane(samples);
    int channels = samples.shape().dim(1);
    double count = (double) samples.shape().dim(0) * plane;
    double sum = 0;
    for (int n = 0; n < samples.shape().dim(0); n++) {
      int start = (n * channels + channel) * plane;
      for (int i = start; i < start + plane; i++) {
        sum += values[i];
      }
    }
    double mean = sum / count;
    double squares = 0;
    for (int n = 0; n < samples.shape().dim(0); n++) {
      int start = (n * channels + channel) * plane;
      for (int i = start; i < start + plane; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
      }
    }
    return new double[] {mean, squares / count};
  }

  private static int plane(Tensor samples) {
    return Math.toIntExact(samples.shape().elementsPerRow() / samples.shape().dim(1));
  }
}
