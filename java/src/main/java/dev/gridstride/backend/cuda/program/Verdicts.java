package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.cuda.program.TunedFile.Measured;
import dev.gridstride.backend.cuda.program.TunedFile.Times;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Which of the measured candidates wins: by the sum of its times with the L2 cold and warm, between
 * which a step of a net lies. Own stays unless another is faster by more than the noise, so that
 * the choice does not change from measurement to measurement.
 */
final class Verdicts {
  /** What a change of implementation has to gain at least. */
  private static final double LEAST_GAIN = 0.02;

  /** Of fewer samples the noise is not known. */
  static final int FEWEST_SAMPLES = 3;

  private Verdicts() {}

  /** Who wins, and why in words. */
  record Winner(String name, String why) {}

  /** The winner, or null if nobody was timed, or own takes the node but could not be. */
  static Winner of(List<Measured> candidates) {
    List<Measured> timed =
        candidates.stream().filter(one -> one.cold() != null && one.warm() != null).toList();
    boolean ownThrottled =
        candidates.stream()
            .anyMatch(one -> isOwn(one) && one.maxError() != null && !timed.contains(one));
    if (timed.isEmpty() || ownThrottled) {
      return null;
    }
    Measured best = timed.get(0);
    Measured closest = null;
    for (Measured one : timed.subList(1, timed.size())) {
      boolean faster = sum(one, Times::p80Us) < (1 - LEAST_GAIN) * sum(best, Times::p20Us);
      if (faster && enough(one) && enough(best)) {
        best = one;
        closest = null;
      } else if (middle(one) < middle(best) && (closest == null || middle(one) < middle(closest))) {
        closest = one;
      }
    }
    return new Winner(best.implementation(), why(best, timed, closest));
  }

  private static String why(Measured best, List<Measured> timed, Measured closest) {
    if (timed.size() == 1) {
      return "no other could be timed";
    }
    if (closest != null) {
      String problem =
          enough(closest) && enough(best)
              ? "is not surely faster by more than the noise"
              : "is not surely faster, of too few samples";
      return String.format(
          Locale.ROOT,
          "%s %s: %.1f us cold and warm, %s %.1f us",
          closest.implementation(),
          problem,
          middle(closest),
          best.implementation(),
          middle(best));
    }
    return String.format(Locale.ROOT, "fastest: %.1f us cold and warm", middle(best));
  }

  private static boolean enough(Measured one) {
    return Math.min(one.cold().samples(), one.warm().samples()) >= FEWEST_SAMPLES;
  }

  private static boolean isOwn(Measured one) {
    return one.implementation().equals(ImplementationChoice.OWN);
  }

  private static double middle(Measured one) {
    return sum(one, Times::medianUs);
  }

  private static double sum(Measured one, ToDoubleFunction<Times> which) {
    return which.applyAsDouble(one.cold()) + which.applyAsDouble(one.warm());
  }
}
