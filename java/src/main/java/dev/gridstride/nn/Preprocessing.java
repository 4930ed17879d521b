package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;
import java.util.List;

/**
 * What happens to an image's bytes before they reach a model: {@code (byte / 255 - mean[c]) /
 * std[c]}.
 *
 * @param mean of each channel after scaling to [0, 1]; empty for none
 * @param std standard deviation of each channel, likewise; as many as means
 */
public record Preprocessing(List<Float> mean, List<Float> std) {
  /** Scaling to [0, 1] alone. */
  public static final Preprocessing NONE = new Preprocessing(List.of(), List.of());

  /** Checks and copies the lists. */
  public Preprocessing {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    boolean finite = mean.stream().allMatch(value -> Float.isFinite(value));
    boolean positive = std.stream().allMatch(value -> value > 0 && Float.isFinite(value));
    if (mean.size() != std.size() || !finite || !positive) {
      throw new ProgramException(
          "preprocessing: expected as many means as positive standard deviations, got "
              + mean
              + " and "
              + std);
    }
  }
}
