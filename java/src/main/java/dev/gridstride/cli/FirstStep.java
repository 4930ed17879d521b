package dev.gridstride.cli;

import dev.gridstride.train.Callback;
import dev.gridstride.train.Run;
import java.time.Duration;
import java.time.Instant;

/** Takes the time from the start of the JVM to the end of the first training step. */
final class FirstStep implements Callback {
  private boolean done;
  private double seconds = Double.NaN;

  @Override
  public void onStepEnd(Run run) {
    if (!done) {
      done = true;
      run.loss(); // waits until the device has done the step
      Instant now = Instant.now();
      seconds =
          ProcessHandle.current()
              .info()
              .startInstant()
              .map(start -> Duration.between(start, now).toMillis() / 1e3)
              .orElse(Double.NaN);
    }
  }

  /** Seconds; NaN if no step was run. */
  double seconds() {
    return seconds;
  }
}
