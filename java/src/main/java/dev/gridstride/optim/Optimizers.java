package dev.gridstride.optim;

import dev.gridstride.program.ProgramException;
import java.util.List;

/** The optimisers that can be asked for by name. */
public final class Optimizers {
  private Optimizers() {}

  /** The names that {@link #create} knows. */
  public static List<String> names() {
    return List.of("adam", "adamw", "sgd", "nesterov");
  }

  /**
   * The optimiser of this name with its defaults; {@code nesterov} is SGD with Nesterov's momentum
   * of 0.9.
   *
   * @throws ProgramException if the name is unknown
   */
  public static Optimizer create(String name) {
    return switch (name) {
      case "adam" -> Adam.defaults();
      case "adamw" -> AdamW.defaults();
      case "sgd" -> Sgd.defaults();
      case "nesterov" -> Sgd.defaults().nesterov(0.9f);
      default ->
          throw new ProgramException(
              "unknown optimizer " + name + "; known: " + String.join(", ", names()));
    };
  }
}
