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

  /** How a row is timed; for the simulated device, whose times say nothing, in little time. */
  TimingOptions options(boolean simulated) {
    int least = minSamples != null ? minSamples : simulated ? SIMULATED_SAMPLES : 20;
    double share = (noise != null ? noise : simulated ? SIMULATED_NOISE : 1) / PERCENT;
    if (!(share >= 0) || least < 1 || maxSamples < least) {
      throw new ParameterException(
          spec.commandLine(),
          "--noise must not be negative, and 1 <= --min-samples <= --max-samples; got "
              + noise
              + ", "
              + least
              + " and "
              + maxSamples);
    }
    return TimingOptions.COLD
        .withNoise(share)
        .withSamples(least, maxSamples)
        .withLimit(seconds("--time-limit", limit, simulated ? SIMULATED_LIMIT : 1))
        .withWarmUp(seconds("--warm-up", warmUp, simulated ? 0 : 0.05));
  }

  Duration budget() {
    return seconds("--budget", budget, 1e6);
  }

  private Duration seconds(String option, Double value, double otherwise) {
    double seconds = value == null ? otherwise : value;
    if (!(seconds >= 0)) {
      throw new ParameterException(
          spec.commandLine(), option + " must not be negative, got " + seconds);
    }
    return Duration.ofMillis((long) (seconds * MILLIS));
  }
}
