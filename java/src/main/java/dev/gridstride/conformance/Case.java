package dev.gridstride.conformance;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.pass.Autocast;
import java.util.HashMap;
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
  public record Run(Program program, int times) {
    private Run withCasts() {
      return new Run(Autocast.apply(program, node -> true), times);
    }
  }

  /**
   * A scalar and its gradients in one program.
   *
   * @param loss an output of the first program
   * @param gradients by the value to which they belong; outputs of the first program too
   */
  public record Gradient(Value loss, Map<Value, Value> gradients) {}

  /** The same without finite differences, which see nothing of rounding. */
  Case withoutGradientCheck() {
    return new Case(name, reason, seed, runs, data, tolerance, tolerances, null);
  }

  /** Whether it has convolutions or matrix products, to which precisions matter. */
  public boolean multiplies() {
    return runs.stream()
        .flatMap(run -> run.program().nodes().stream())
        .anyMatch(node -> Autocast.multiplies(node.op()));
  }

  /**
   * This case as a device in this precision is judged: in bf16 with the casts that it makes, so
   * that the reference rounds the same factors, and with what the precision allows. Itself if it
   * has no products.
   */
  public Case in(Precision precision) {
    if (precision == Precision.FLOAT32 || !multiplies()) {
      return this;
    }
    Map<String, Tolerance> wider = new HashMap<>();
    tolerances.forEach((value, one) -> wider.put(value, one.in(precision)));
    boolean casts = precision == Precision.BF16;
    return new Case(
        name + " in " + precision,
        reason,
        seed,
        casts ? runs.stream().map(Run::withCasts).toList() : runs,
        data,
        tolerance.in(precision),
        wider,
        null);
  }

  /** Why a backend cannot run it; null if it should. */
  public String skipReason(String backend) {
    boolean bfloat16 =
        runs.stream()
            .flatMap(run -> run.program().values().stream())
            .anyMatch(value -> value.type().dtype() == DataType.BFLOAT16);
    return bfloat16 && backend.equals("cpu") ? "cpu has no bfloat16" : null;
  }

  /** The tolerance of the result of this name. */
  public Tolerance toleranceOf(String value) {
    return tolerances.getOrDefault(value, tolerance);
  }

  @Override
  public String toString() {
    return name;
  }
}
