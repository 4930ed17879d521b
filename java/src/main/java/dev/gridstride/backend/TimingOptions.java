package dev.gridstride.backend;

import java.time.Duration;

/**
 * How {@link Executable#time} measures.
 *
 * @param cache what a run finds in the caches
 * @param noise the noise (see {@link Timing#noise}) at which sampling stops, for example 0.01
 * @param minSamples so many are taken before the noise is looked at
 * @param maxSamples sampling stops after so many, whatever their noise
 * @param warmUp runs go on for so long, at least one, before the first sample
 * @param limit sampling stops after so long, with one sample at least
 */
public record TimingOptions(
    Cache cache, double noise, int minSamples, int maxSamples, Duration warmUp, Duration limit) {
  /** What a run finds in the caches. */
  public enum Cache {
    /** Nothing: a buffer larger than the last cache is written before each sample. */
    COLD,
    /** What the run before has left: a sample is many runs back to back. */
    WARM;

    /** {@code cold} or {@code warm}. */
    @Override
    public String toString() {
      return this == COLD ? "cold" : "warm";
    }
  }

  /** Cold caches; noise of 1 %, 20 to 1000 samples, after 50 ms of warm-up in 1 s at most. */
  public static final TimingOptions COLD =
      new TimingOptions(Cache.COLD, 0.01, 20, 1000, Duration.ofMillis(50), Duration.ofSeconds(1));

  /** The same with warm caches. */
  public static final TimingOptions WARM = COLD.withCache(Cache.WARM);

  /** Checks the ranges. */
  public TimingOptions {
    if (!(noise >= 0)
        || minSamples < 1
        || maxSamples < minSamples
        || warmUp.isNegative()
        || limit.isNegative()) {
      throw new IllegalArgumentException(
          "timing: expected a noise of 0 or more, 1 <= minSamples <= maxSamples, and times that are"
              + " not negative; got noise "
              + noise
              + ", samples "
              + minSamples
              + " to "
              + maxSamples
              + ", warm-up "
              + warmUp
              + ", limit "
              + limit);
    }
  }

  /** The same with these caches. */
  public TimingOptions withCache(Cache value) {
    return new TimingOptions(value, noise, minSamples, maxSamples, warmUp, limit);
  }

  /** The same with this noise. */
  public TimingOptions withNoise(double value) {
    return new TimingOptions(cache, value, minSamples, maxSamples, warmUp, limit);
  }

  /** The same with so many samples. */
  public TimingOptions withSamples(int least, int most) {
    return new TimingOptions(cache, noise, least, most, warmUp, limit);
  }

  /** The same with this warm-up. */
  public TimingOptions withWarmUp(Duration value) {
    return new TimingOptions(cache, noise, minSamples, maxSamples, value, limit);
  }

  /** The same with this time limit. */
  public TimingOptions withLimit(Duration value) {
    return new TimingOptions(cache, noise, minSamples, maxSamples, warmUp, value);
  }
}
