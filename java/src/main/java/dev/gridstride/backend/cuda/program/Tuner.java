package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.Explanation.Verdict;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Timing;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.program.Node;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Measures the implementations of single nodes, each as a program of its own in a session of its
 * own: with the L2 cold and warm, after a look at its result. An implementation that fails ends its
 * session, and the next is measured in another.
 */
final class Tuner implements AutoCloseable {
  /** A node has a few candidates and two caches: seconds for all nodes of a net. */
  private static final TimingOptions OPTIONS =
      TimingOptions.COLD
          .withSamples(5, 200)
          .withWarmUp(Duration.ofMillis(10))
          .withLimit(Duration.ofMillis(300));

  /** Where times say nothing about a card, they need not be good. */
  private static final TimingOptions SIMULATED =
      OPTIONS.withSamples(3, 20).withWarmUp(Duration.ZERO).withLimit(Duration.ofMillis(60));

  /** Samples that take longer are not taken again for want of some. */
  private static final double MOST_NANOS = 2e8;

  /** What a session may keep of nodes that have been measured. */
  private static final long MOST_BYTES = 1L << 30;

  /** Opens a session of this device in which nodes are computed by what the function says. */
  interface Opener {
    CudaSession open(Candidates.Winners winners);
  }

  private final Opener opener;
  private final Precision precision;
  private final boolean simulated;
  private final Consumer<String> messages;
  private String tried = ImplementationChoice.OWN;
  private CudaSession session;
  private int nodes;

  /**
   * A tuner of a device.
   *
   * @param simulated whether it is none
   * @param messages told of nodes that cannot be measured now
   */
  Tuner(Opener opener, Precision precision, boolean simulated, Consumer<String> messages) {
    this.simulated = simulated;
    this.opener = opener;
    this.precision = precision;
    this.messages = messages;
  }

  private CudaSession session() {
    if (session == null) {
      session = opener.open((node, read) -> new Candidates.Winner(tried, false));
    }
    return session;
  }

  /**
   * Measures all implementations that take the node.
   *
   * @param read whether anybody reads a value
   * @return null if there are fewer than two, so that there is nothing to choose, or if it could
   *     not be found out now, of which a message tells
   */
  TunedFile.Entry measure(Node original, Predicate<Value> read, NodeKey key) {
    try {
      List<TunedFile.Measured> all = measure(new SingleNode("node" + nodes++, original, read));
      if (session != null && session.memoryUse().bytes() > MOST_BYTES) {
        close();
      }
      if (all.isEmpty()) {
        return null;
      }
      Verdicts.Winner winner = Verdicts.of(all);
      if (winner == null) {
        messages.accept("not tuned: " + key + ": the device was throttled all the time");
        return null;
      }
      String now = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
      return new TunedFile.Entry(key, winner.name(), winner.why(), now, all);
    } catch (OutOfDeviceMemoryException e) {
      close();
      messages.accept("not tuned: " + key + ": " + e.getMessage());
      return null;
    }
  }

  /** Empty if there are fewer than two candidates. */
  private List<TunedFile.Measured> measure(SingleNode single) {
    List<Explanation.Candidate> candidates = ask(single);
    if (candidates.stream().filter(Tuner::takes).count() < 2) {
      return List.of();
    }
    List<Tensor> expected = null;
    List<TunedFile.Measured> all = new ArrayList<>();
    for (Explanation.Candidate candidate : candidates) {
      if (!takes(candidate)) {
        all.add(TunedFile.Measured.refused(candidate.name(), candidate.detail()));
        continue;
      }
      tried = candidate.name();
      try (Executable executable = session().compileAsIs(single.program())) {
        List<Tensor> got = single.results(session(), executable);
        expected = expected == null ? got : expected;
        Agreement agreement =
            Agreement.of(single.node(), expected, got, precision, candidate.detail());
        all.add(
            agreement.agrees()
                ? timed(candidate, executable, agreement)
                : disagrees(candidate, agreement));
      } catch (BackendException e) {
        close();
        if (e instanceof OutOfDeviceMemoryException || tried.equals(ImplementationChoice.OWN)) {
          throw e;
        }
        all.add(TunedFile.Measured.refused(candidate.name(), "failed: " + e.getMessage()));
      }
    }
    return all;
  }

  /** Own first: others are compared with it. */
  private List<Explanation.Candidate> ask(SingleNode single) {
    tried = ImplementationChoice.OWN;
    try (Executable executable = session().compileAsIs(single.program())) {
      return executable.explanation().rows().get(0).candidates();
    }
  }

  private static boolean takes(Explanation.Candidate candidate) {
    return candidate.verdict() == Verdict.CHOSEN || candidate.verdict() == Verdict.POSSIBLE;
  }

  private TunedFile.Measured timed(
      Explanation.Candidate candidate, Executable executable, Agreement agreement) {
    return new TunedFile.Measured(
        candidate.name(),
        candidate.detail(),
        candidate.workspaceBytes(),
        times(executable, TimingOptions.Cache.COLD),
        times(executable, TimingOptions.Cache.WARM),
        agreement.error(),
        agreement.bound());
  }

  /** Null if the device was throttled all the time. */
  private TunedFile.Times times(Executable executable, TimingOptions.Cache cache) {
    TimingOptions options = (simulated ? SIMULATED : OPTIONS).withCache(cache);
    Timing timing = executable.time(options);
    int samples = timing.samples();
    double run = timing.median() * timing.runsPerSample();
    if (samples > 0 && samples < Verdicts.FEWEST_SAMPLES && run < MOST_NANOS) {
      // Flushing the cache may take longer than the runs, so the limit grows, not their time.
      Duration longer = options.limit().multipliedBy(2 * Verdicts.FEWEST_SAMPLES / samples);
      timing = executable.time(options.withLimit(longer));
    }
    return timing.samples() == 0
        ? null
        : new TunedFile.Times(
            micros(timing.median()),
            micros(timing.quantile(0.2)),
            micros(timing.quantile(0.8)),
            timing.samples(),
            timing.stopReason());
  }

  private static double micros(double nanos) {
    return Math.round(nanos) / 1e3;
  }

  private static TunedFile.Measured disagrees(
      Explanation.Candidate candidate, Agreement agreement) {
    return new TunedFile.Measured(
        candidate.name(),
        String.format(
            Locale.ROOT,
            "its result is not own's: they differ by %.3g, rounding explains %.3g (%s)",
            agreement.error(),
            agreement.bound(),
            candidate.detail()),
        candidate.workspaceBytes(),
        null,
        null,
        Double.isFinite(agreement.error()) ? agreement.error() : null,
        agreement.bound());
  }

  /** Ends the session that was measured in. */
  @Override
  public void close() {
    if (session != null) {
      session.close();
      session = null;
    }
  }
}
