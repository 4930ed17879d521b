package dev.gridstride.bench;

import com.sun.management.ThreadMXBean;
import dev.gridstride.backend.Profile;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Prints where the time of a training step of the reference job goes, and the share of it that is
 * neither oneDNN's nor the batch fetch, softmax or optimizer: what Java itself costs.
 *
 * <p>Arguments: recipe (article), threads (0: one for each processor), batch (64), steps (2000).
 */
public final class StepProfile {
  private static final List<String> USEFUL_IN_JAVA =
      List.of("fetch_batch", "softmax_cross_entropy", "adam");

  private StepProfile() {}

  /** Runs it. */
  public static void main(String[] arguments) {
    String recipe = argument(arguments, 0, "article");
    int threads = Integer.parseInt(argument(arguments, 1, "0"));
    int batch = Integer.parseInt(argument(arguments, 2, "64"));
    int steps = Integer.parseInt(argument(arguments, 3, "2000"));
    try (ReferenceJob job = new ReferenceJob("cpu", threads, batch, recipe)) {
      System.out.println(job.device() + ", recipe " + recipe + ", batch " + batch);
      job.step().profile(steps / 4);
      Profile profile = job.step().profile(steps);
      System.out.print(profile);
      double useful =
          profile.steps().stream()
              .filter(StepProfile::useful)
              .mapToDouble(Profile.Step::nanos)
              .sum();
      double own = profile.runNanos() - useful;
      System.out.printf(
          Locale.ROOT,
          "outside oneDNN, fetch, softmax and optimizer: %.1f us of %.1f us, %.2f %%%n",
          own / 1e3,
          profile.runNanos() / 1e3,
          100 * own / profile.runNanos());
      System.out.printf(
          Locale.ROOT, "Java memory allocated a step: %.0f bytes%n", bytesPerStep(job, steps));
    }
  }

  /** Bytes that all threads together allocate in a step run without clocks. */
  private static double bytesPerStep(ReferenceJob job, int steps) {
    long before = allocated();
    for (int i = 0; i < steps; i++) {
      job.step().run();
    }
    return (double) (allocated() - before) / steps;
  }

  private static long allocated() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds())).sum();
  }

  private static boolean useful(Profile.Step step) {
    return step.kind() == Profile.Kind.PRIMITIVE
        || USEFUL_IN_JAVA.stream().anyMatch(step.name()::contains);
  }

  private static String argument(String[] arguments, int i, String fallback) {
    return i < arguments.length ? arguments[i] : fallback;
  }
}
