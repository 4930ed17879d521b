package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gridstride.backend.cuda.program.TunedFile.Measured;
import dev.gridstride.backend.cuda.program.TunedFile.Times;
import java.util.List;
import org.junit.jupiter.api.Test;

class VerdictsTest {
  /** Half of the samples within a share of the median. */
  private static Measured timed(String name, double cold, double warm, double noise) {
    return new Measured(name, "", 0, times(cold, noise), times(warm, noise), 0.0, 1.0);
  }

  private static Times times(double median, double noise) {
    return new Times(median, median * (1 - noise), median * (1 + noise), 9, "");
  }

  private static String winner(Measured... candidates) {
    return Verdicts.of(List.of(candidates)).name();
  }

  @Test
  void theFastestWinsByColdAndWarmTogether() {
    assertEquals("cudnn", winner(timed("own", 10, 8, 0.01), timed("cudnn", 9, 7, 0.01)));
    assertEquals("own", winner(timed("own", 10, 8, 0.01), timed("cudnn", 7, 12, 0.01)));
    assertEquals(
        "cublas",
        winner(timed("own", 10, 8, 0.01), timed("cudnn", 9, 7, 0.01), timed("cublas", 5, 4, 0.01)));
  }

  @Test
  void withinTheNoiseTheFirstStays() {
    Measured own = timed("own", 10, 10, 0.05);
    assertEquals("own", winner(own, timed("cudnn", 9.5, 9.5, 0.05)));
    assertEquals("cudnn", winner(own, timed("cudnn", 8.9, 8.9, 0.01)));
    // No noise at all: the gain must still be worth a change.
    assertEquals("own", winner(timed("own", 10, 10, 0), timed("cudnn", 9.9, 9.9, 0)));
    assertEquals(
        "cudnn is not surely faster by more than the noise: 19.0 us cold and warm, own 20.0 us",
        Verdicts.of(List.of(own, timed("cudnn", 9.5, 9.5, 0.05))).why());
  }

  @Test
  void ofTwoSamplesTheNoiseIsNotKnown() {
    Times two = new Times(1, 1, 1, 2, "");
    Measured few = new Measured("cudnn", "", 0, two, times(1, 0), 0.0, 1.0);
    Verdicts.Winner winner = Verdicts.of(List.of(timed("own", 10, 8, 0.01), few));
    assertEquals("own", winner.name());
    assertEquals(
        "cudnn is not surely faster, of too few samples: 2.0 us cold and warm, own 18.0 us",
        winner.why());
    assertEquals("own", winner(new Measured("own", "", 0, two, two, 0.0, 1.0), few));
  }

  @Test
  void whoWasNotTimedNeverWins() {
    Measured wrong = new Measured("cudnn", "its result is not own's", 0, null, null, 9.0, 1.0);
    Measured own = timed("own", 10, 8, 0.01);
    assertEquals("own", winner(own, wrong));
    assertEquals("own", winner(own, Measured.refused("cudnn", "absent")));
    assertEquals("cudnn", winner(Measured.refused("own", "no"), timed("cudnn", 1, 1, 0)));
  }

  @Test
  void nothingIsDecidedWithoutOwnsTimes() {
    Measured throttled = new Measured("own", "", 0, times(1, 0), null, 0.0, 1.0);
    assertNull(Verdicts.of(List.of(throttled, timed("cudnn", 1, 1, 0))));
    assertNull(Verdicts.of(List.of(Measured.refused("own", "failed"))));
  }
}
