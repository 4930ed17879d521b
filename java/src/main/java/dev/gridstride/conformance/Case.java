package dev.gridstride.conformance;

import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A computation described once: what is compared between backends, and what the gradient check
 * differentiates.
 *
 * @param name unique; op first, then shape and attributes
 * @param reason what this case catches that the others do not
 * @param seed of its data
 * @param runs programs in the order in which they run in one session
 * @param data written before the first run
 * @param tolerance of results that {@code tolerances} does not name
 * @param tolerances by name of the value
 * @param gradient what to check by finite differences, or null
 */
public record Case(
    String name,
    String reason,
    long seed,
    List<Run> runs,
    Map<Value, Tensor> data,
    Tolerance tolerance,
    Map<String, Tolerance> tolerances,
    Gradient gradient) {
  /** Copies the collections. */
  public Case {
    runs = List.copyOf(runs);
    data = new LinkedHashMap<>(data);
    tolerances = Map.copyOf(tolerances);
  }

  /**
   * A program and how often it runs.
   *
   * @param program what runs
   * @param times how often, one after the other
   */
  public record Run(Program program, int times) {}

  /**
   * A scalar and its gradients in one program.
   *
   * @param loss an output of the first program
   * @param gradients by the value to which they belong; outputs of the first program too
   */
  public record Gradient(Value loss, Map<Value, Value> gradients) {}

  /** The tolerance of the result of this name. */
  public Tolerance toleranceOf(String value) {
    return tolerances.getOrDefault(value, tolerance);
  }

  @Override
  public String toString() {
    return name;
  }
}
