package dev.gridstride.program.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gridstride.program.ProgramException;
import org.junit.jupiter.api.Test;

/** Values worked out by hand. */
class ScheduleTest {
  private static final double ALLOWED = 1e-15;

  private static void assertRates(Schedule schedule, double... rates) {
    for (int step = 0; step < rates.length; step++) {
      assertEquals(rates[step], schedule.at(step), ALLOWED, "step " + step);
    }
  }

  @Test
  void constant() {
    assertRates(new Schedule.Constant(0.25), 0.25, 0.25);
    assertEquals(0.25, new Schedule.Constant(0.25).at(1L << 40));
  }

  /** Two steps at 0.8, two at 0.8 / 2, then 0.8 / 4. */
  @Test
  void step() {
    assertRates(new Schedule.Step(0.8, 2, 0.5), 0.8, 0.8, 0.4, 0.4, 0.2);
  }

  /**
   * cos(0), cos(60 degrees), cos(90), cos(120), cos(180) are 1, 1/2, 0, -1/2, -1: with 6 steps from
   * 1 to 0.2 the rate is 0.2 + 0.8 * (1 + cos) / 2 at steps 0, 2, 3, 4, 6.
   */
  @Test
  void cosine() {
    Schedule cosine = new Schedule.Cosine(1, 6, 0.2);
    assertEquals(1, cosine.at(0), ALLOWED);
    assertEquals(0.8, cosine.at(2), ALLOWED);
    assertEquals(0.6, cosine.at(3), ALLOWED);
    assertEquals(0.4, cosine.at(4), ALLOWED);
    assertEquals(0.2, cosine.at(6), ALLOWED);
    assertEquals(0.2, cosine.at(1000), ALLOWED);
  }

  /** From 1 to 0 by quarters. */
  @Test
  void linear() {
    assertRates(new Schedule.Linear(1, 4, 0), 1, 0.75, 0.5, 0.25, 0, 0);
    assertRates(new Schedule.Linear(0.5, 2, 1), 0.5, 0.75, 1, 1);
  }

  /** Quarters of what follows: of 1, 1, 0.5 and 0.5 for the first four steps. */
  @Test
  void warmup() {
    Schedule after = new Schedule.Step(1, 2, 0.5);
    assertRates(new Schedule.Warmup(4, after), 0.25, 0.5, 0.375, 0.5, 0.25);
  }

  @Test
  void badArgumentsAreErrors() {
    assertMessage("rate must be positive, got 0.0", () -> new Schedule.Constant(0));
    assertMessage("rate must be positive, got NaN", () -> new Schedule.Constant(Double.NaN));
    assertMessage("every must be positive, got 0.0", () -> new Schedule.Step(1, 0, 0.5));
    assertMessage("factor must be positive, got -1.0", () -> new Schedule.Step(1, 2, -1));
    assertMessage("steps must be positive, got 0.0", () -> new Schedule.Cosine(1, 0, 0));
    assertMessage("last must not be negative, got -0.5", () -> new Schedule.Cosine(1, 5, -0.5));
    assertMessage(
        "last must not be negative, got NaN", () -> new Schedule.Linear(1, 5, Double.NaN));
    assertMessage(
        "steps must be positive, got -3.0",
        () -> new Schedule.Warmup(-3, new Schedule.Constant(1)));
  }

  private static void assertMessage(String end, Runnable action) {
    ProgramException error = assertThrows(ProgramException.class, action::run);
    assertEquals("learning rate schedule: " + end, error.getMessage());
  }
}
