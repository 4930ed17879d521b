package dev.gridstride.program.op;

import dev.gridstride.program.ProgramException;

/**
 * Learning rate as a function of the step, counted from 0. Everything is in steps, not epochs, so
 * that a device can compute it from its own counter.
 */
public sealed interface Schedule {
  /** The learning rate of step {@code step}. */
  double at(long step);

  /**
   * The same rate always.
   *
   * @param rate the learning rate
   */
  record Constant(double rate) implements Schedule {
    /** Checks the rate. */
    public Constant {
      positive("rate", rate);
    }

    @Override
    public double at(long step) {
      return rate;
    }
  }

  /**
   * {@code rate * factor^floor(step / every)}.
   *
   * @param rate of the first steps
   * @param every steps between drops
   * @param factor of each drop
   */
  record Step(double rate, long every, double factor) implements Schedule {
    /** Checks the arguments. */
    public Step {
      positive("rate", rate);
      positive("every", (double) every);
      positive("factor", factor);
    }

    @Override
    public double at(long step) {
      return rate * Math.pow(factor, (double) Math.floorDiv(step, every));
    }
  }

  /**
   * {@code last + (rate - last) * (1 + cos(pi * step / steps)) / 2}, then {@code last} (Loshchilov
   * and Hutter, SGDR, 2017, without restarts).
   *
   * @param rate at step 0
   * @param steps length of the decay
   * @param last rate at its end
   */
  record Cosine(double rate, long steps, double last) implements Schedule {
    /** Checks the arguments. */
    public Cosine {
      positive("rate", rate);
      positive("steps", (double) steps);
      notNegative("last", last);
    }

    @Override
    public double at(long step) {
      double progress = Math.min(1.0, (double) step / steps);
      return last + (rate - last) * (1 + Math.cos(Math.PI * progress)) / 2;
    }
  }

  /**
   * A straight line from {@code rate} at step 0 to {@code last} at step {@code steps}, then {@code
   * last}.
   *
   * @param rate at step 0
   * @param steps length of the line
   * @param last rate at its end
   */
  record Linear(double rate, long steps, double last) implements Schedule {
    /** Checks the arguments. */
    public Linear {
      positive("rate", rate);
      positive("steps", (double) steps);
      notNegative("last", last);
    }

    @Override
    public double at(long step) {
      double progress = Math.min(1.0, (double) step / steps);
      return rate + (last - rate) * progress;
    }
  }

  /**
   * {@code after.at(step) * (step + 1) / steps} for the first {@code steps} steps, then {@code
   * after}.
   *
   * @param steps length of the warm-up
   * @param after what it leads to; it sees the same step count
   */
  record Warmup(long steps, Schedule after) implements Schedule {
    /** Checks the arguments. */
    public Warmup {
      positive("steps", (double) steps);
    }

    @Override
    public double at(long step) {
      return after.at(step) * Math.min(1.0, (step + 1.0) / steps);
    }
  }

  private static void notNegative(String argument, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new ProgramException(
          "learning rate schedule: " + argument + " must not be negative, got " + value);
    }
  }

  private static void positive(String argument, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new ProgramException(
          "learning rate schedule: " + argument + " must be positive, got " + value);
    }
  }
}
