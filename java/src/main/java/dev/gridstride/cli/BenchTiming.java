package dev.gridstride.cli;

import dev.gridstride.backend.TimingOptions;
import java.time.Duration;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say how long and how closely {@code bench} measures. */
final class BenchTiming {
  private static final double PERCENT = 100;
  private static final double SIMULATED_NOISE = 10;
  private static final double SIMULATED_LIMIT = 0.02;
  private static final int SIMULATED_SAMPLES = 2;
  private static final double MILLIS = 1000;
  private static final double MOST_SECONDS = 1e6;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--noise",
      paramLabel = "PERCENT",
      description = {
        "Sampling stops once the quartiles of the samples are this close",
        "together, in percent of the median. (default: 1; on the simulated",
        "device 10)"
      })
  private Double noise;

  @Option(
      names = "--time-limit",
      paramLabel = "SECONDS",
      description = {
        "Sampling of a row stops after so long, once with cold and once",
        "with warm caches. (default: 1; on the simulated device 0.02)"
      })
  private Double limit;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description = "Runs before the first sample. (default: 0.05; on the simulated device 0)")
  private Double warmUp;

  @Option(
      names = "--min-samples",
      paramLabel = "N",
      description = "Samples before the noise counts. (default: 20; on the simulated device 2)")
  private Integer minSamples;

  @Option(
      names = "--max-samples",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Most samples of a row. (default: ${DEFAULT-VALUE})")
  private int maxSamples;

  @Option(
      names = "--budget",
      paramLabel = "SECONDS",
      description = "No op is begun after so long; its row says so. (default: none)")
  private Double budget;

  /** Wrong usage if a number is out of its range. */
  void check() {
    inRange("--noise", noise, Double.MAX_VALUE);
    inRange("--time-limit", limit, MOST_SECONDS);
    inRange("--warm-up", warmUp, MOST_SECONDS);
    inRange("--budget", budget, MOST_SECONDS);
    Choices.atLeastOne(spec, "--min-samples", minSamples);
    Choices.atLeastOne(spec, "--max-samples", maxSamples);
    if (minSamples != null && minSamples > maxSamples) {
      throw new ParameterException(
          spec.commandLine(),
          "--min-samples must not be above --max-samples, got "
              + minSamples
              + " and "
              + maxSamples);
    }
  }

  private void inRange(String option, Double value, double most) {
    if (value != null && !(value >= 0 && value <= most)) {
      throw new ParameterException(
          spec.commandLine(), option + " must be from 0 to " + most + ", got " + value);
    }
  }

  /** How a row is timed; for the simulated device, whose times say nothing, in little time. */
  TimingOptions options(boolean simulated) {
    int least = minSamples != null ? minSamples : simulated ? SIMULATED_SAMPLES : 20;
    double share = (noise != null ? noise : simulated ? SIMULATED_NOISE : 1) / PERCENT;
    return TimingOptions.COLD
        .withNoise(share)
        .withSamples(Math.min(least, maxSamples), maxSamples)
        .withLimit(seconds(limit, simulated ? SIMULATED_LIMIT : 1))
        .withWarmUp(seconds(warmUp, simulated ? 0 : 0.05));
  }

  Duration budget() {
    return seconds(budget, MOST_SECONDS);
  }

  private static Duration seconds(Double value, double otherwise) {
    return Duration.ofMillis((long) ((value == null ? otherwise : value) * MILLIS));
  }
}
