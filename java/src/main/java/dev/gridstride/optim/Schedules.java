package dev.gridstride.optim;

import dev.gridstride.program.ProgramException;
import dev.gridstride.program.op.Schedule;
import java.util.List;

/**
 * The learning rate schedules that can be asked for by name, fitted to the length of a training.
 */
public final class Schedules {
  private static final String WARMUP = "warmup";

  private Schedules() {}

  /** The names that {@link #create} knows. */
  public static List<String> names() {
    return List.of(
        "constant",
        "step",
        "cosine",
        "linear",
        "warmup",
        "warmup-step",
        "warmup-cosine",
        "warmup-linear");
  }

  /**
   * The schedule of this name. {@code constant} keeps the rate; {@code step} divides it by 10 after
   * each third of the training; {@code cosine} and {@code linear} bring it to 0 at the end. {@code
   * warmup} before one of them, or alone before a constant rate, lets it rise in a straight line
   * over the first tenth of the steps.
   *
   * @param rate highest learning rate
   * @param length of the whole training, in steps
   * @throws ProgramException if the name is unknown or a number is not positive
   */
  public static Schedule create(String name, double rate, long length) {
    if (name.equals(WARMUP)) {
      return create("warmup-constant", rate, length);
    }
    if (name.startsWith(WARMUP + "-")) {
      Schedule after = create(name.substring(WARMUP.length() + 1), rate, length);
      return new Schedule.Warmup(Math.max(1, length / 10), after);
    }
    return switch (name) {
      case "constant" -> new Schedule.Constant(rate);
      case "step" -> new Schedule.Step(rate, Math.max(1, (length + 2) / 3), 0.1);
      case "cosine" -> new Schedule.Cosine(rate, length, 0);
      case "linear" -> new Schedule.Linear(rate, length, 0);
      default ->
          throw new ProgramException(
              "unknown schedule " + name + "; known: " + String.join(", ", names()));
    };
  }
}
