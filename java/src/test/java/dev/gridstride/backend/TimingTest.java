package dev.gridstride.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When sampling ends, what is in a sample, and what is made of them; on a clock of the test. */
class TimingTest {
  private static final TimingOptions COLD =
      TimingOptions.COLD.withNoise(0.01).withSamples(20, 100).withWarmUp(Duration.ZERO);

  private long now = 1_000_000_000;
  private int runs;
  private int flushes;

  /** Times something that takes so many nanoseconds in turn. */
  private Timing time(TimingOptions options, long... nanos) {
    return HostTimer.time(
        options,
        () -> now += nanos[runs++ % nanos.length],
        () -> {
          flushes++;
          now += 1_000_000;
        },
        "",
        () -> now);
  }

  @Test
  void quietSamplesEndAtTheLeastNumber() {
    Timing timing = time(COLD, 500, 501, 502, 501);
    assertEquals(Timing.Stop.NOISE, timing.stop());
    assertTrue(timing.isQuiet());
    assertEquals(20, timing.samples());
    assertEquals(501, timing.median());
    assertEquals(20, flushes, "flushes, of which no time is in a sample");
    assertEquals(21, runs, "one to warm up");
  }

  @Test
  void noisySamplesEndAtTheGreatestNumberAndSaySo() {
    Timing timing = time(COLD, 500, 600);
    assertEquals(Timing.Stop.SAMPLES, timing.stop());
    assertEquals(100, timing.samples());
    assertEquals(100.0 / 550, timing.noise(), 1e-12);
    assertEquals("noise limit of 1.00 % not reached (18.18 %) in 100 samples", timing.stopReason());
  }

  @Test
  void timeIsUp() {
    Timing timing = time(COLD.withLimit(Duration.ofMillis(10)), 500, 600);
    assertEquals(Timing.Stop.LIMIT, timing.stop());
    assertEquals(10, timing.samples(), "a millisecond of flush each");
    assertEquals("noise limit of 1.00 % not reached (18.18 %) in 10 ms", timing.stopReason());
    Timing slow = time(COLD.withLimit(Duration.ZERO), 5_000_000);
    assertEquals(List.of(5e6), slow.nanos(), "one sample at least");
    assertTrue(Double.isNaN(slow.noise()), "of one sample nothing is known");
    assertTrue(slow.stopReason().contains("(not known)"), slow.stopReason());
  }

  /** A few late samples, as an interrupt makes, neither shift the middle nor hold the end up. */
  @Test
  void lateSamplesDoNotCount() {
    Timing timing = time(COLD, 500, 501, 502, 501, 501, 501, 90_000, 500);
    assertEquals(Timing.Stop.NOISE, timing.stop());
    assertEquals(501, timing.median());
  }

  @Test
  void warmSamplesAreOfManyRunsWithoutFlush() {
    Timing timing = time(COLD.withCache(TimingOptions.Cache.WARM), 499, 501);
    assertEquals(0, flushes);
    assertEquals(200, timing.runsPerSample(), "100 us");
    assertEquals(1 + 20 * 200, runs);
    assertEquals(Collections.nCopies(20, 500.0), timing.nanos());
  }

  @Test
  void warmUpTakesItsTime() {
    time(COLD.withWarmUp(Duration.ofNanos(5001)), 500);
    assertEquals(11 + 20, runs);
  }

  @Test
  void throttledSamplesAreLeftOutAndCounted() {
    Sampling sampling = new Sampling(COLD.withLimit(Duration.ofNanos(100)), () -> now);
    sampling.drop();
    assertTrue(!sampling.isDone());
    assertThrows(
        IllegalStateException.class,
        () -> sampling.result(1, Double.NaN, Timing.Clocks.UNKNOWN, ""));
    now += 100;
    assertTrue(sampling.isDone());
    Timing timing =
        sampling.result(1, 2500, new Timing.Clocks(600, 1410, 1215, List.of("heat")), "");
    assertEquals(1, timing.dropped());
    assertTrue(Double.isNaN(timing.median()));
    assertEquals(
        "cold: NaN us (NaN to NaN), 0 samples of 1 runs, noise limit of 1.00 % not reached (not"
            + " known) in 0 ms, 1 dropped while throttled, 2.500 us of the host, 600 to 1410 MHz,"
            + " memory 1215 MHz, held down by heat",
        timing.toString());
  }

  @Test
  void quantilesLieBetweenNeighbours() {
    double[] sorted = {10, 20, 30, 40, 60};
    assertEquals(10, Sampling.quantile(sorted, 0));
    assertEquals(18, Sampling.quantile(sorted, 0.2), 1e-12);
    assertEquals(30, Sampling.median(60, 30, 10, 20, 40));
    assertEquals(60, Sampling.quantile(sorted, 1));
    assertEquals(20.0 / 30, Sampling.noise(sorted), 1e-12);
    assertThrows(IllegalArgumentException.class, () -> Sampling.quantile(sorted, 20));
  }

  @Test
  void optionsThatMakeNoSenseAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> COLD.withNoise(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> COLD.withSamples(0, 5));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> COLD.withSamples(5, 4));
    assertTrue(e.getMessage().contains("got noise 0.01, samples 5 to 4"), e.getMessage());
  }
}
