package dev.gridstride.conformance;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.pass.Differentiate;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Draws up a {@link Case}: a program builder that fills each value as it is declared. */
final class Sketch {
  private final String name;
  private final String reason;
  private final long seed;
  private final Numbers.Kind kind;
  private final Numbers numbers;
  private final Program.Builder builder = new Program.Builder();
  private final Map<Value, Tensor> data = new LinkedHashMap<>();
  private final Map<String, Tolerance> tolerances = new HashMap<>();

  Sketch(String name, String reason, Numbers.Kind kind) {
    this.name = name;
    this.reason = reason;
    this.kind = kind;
    seed = name.hashCode();
    numbers = new Numbers(seed);
  }

  Program.Builder builder() {
    return builder;
  }

  Numbers numbers() {
    return numbers;
  }

  Numbers.Kind kind() {
    return kind;
  }

  /** A batched input of random numbers of the sketch's kind. */
  Value input(String valueName, int... dims) {
    return input(valueName, numbers.fill(kind, Shape.of(dims)));
  }

  /** A batched input with these elements. */
  Value input(String valueName, Tensor tensor) {
    return given(builder.input(valueName, tensor.type()), tensor);
  }

  /** A parameter of random numbers of the sketch's kind. */
  Value parameter(String valueName, int... dims) {
    return parameter(valueName, numbers.fill(kind, Shape.of(dims)));
  }

  /** A parameter with these elements. */
  Value parameter(String valueName, Tensor tensor) {
    return given(builder.parameter(valueName, tensor.shape()), tensor);
  }

  /** A state with these elements. */
  Value state(String valueName, Tensor tensor) {
    return given(builder.state(valueName, tensor.type()), tensor);
  }

  /** A data set with these elements. */
  Value data(String valueName, Tensor tensor) {
    return given(builder.data(valueName, tensor.type()), tensor);
  }

  /** An int64 scalar state that starts at 0. */
  Value counter(String valueName) {
    return state(valueName, Tensor.zeros(TensorType.scalar(DataType.INT64)));
  }

  private Value given(Value value, Tensor tensor) {
    data.put(value, tensor);
    return value;
  }

  /** What is written before the first run. */
  Map<Value, Tensor> data() {
    return data;
  }

  /** Gives one result a tolerance of its own. */
  void tolerate(Value value, Tolerance tolerance) {
    tolerances.put(value.name(), tolerance);
  }

  /** The case that compares these values, and all states, after each of several runs. */
  Case compare(Tolerance tolerance, int times, Value... outputs) {
    for (Value output : outputs) {
      builder.output(output);
    }
    return finish(tolerance, List.of(new Case.Run(builder.build(), times)), null);
  }

  /** The case that compares these values after one run. */
  Case compare(Tolerance tolerance, Value... outputs) {
    return compare(tolerance, 1, outputs);
  }

  /**
   * The case that compares {@code y} and the gradients of {@code wanted} for the loss {@code sum of
   * (y + r)^2 / 2}, whose gradient y + r has no division in it: with integers all of it is exact
   * but the loss itself. r is random, so that gradients do not vanish where y does.
   *
   * @param terms of the longest reduction, forward or backward
   */
  Case differentiate(Value y, long terms, Value... wanted) {
    Tolerance tolerance =
        kind == Numbers.Kind.INTEGERS ? Tolerance.EXACT : Tolerance.ofUnits(terms);
    return differentiate(y, tolerance, wanted);
  }

  /** As above, with a tolerance that does not follow from the kind of numbers. */
  Case differentiate(Value y, Tolerance tolerance, Value... wanted) {
    Value r = input("r", numbers.fill(kind, y.shape()));
    Value moved = builder.add("moved", new Add(), y, r);
    Value loss = builder.add("loss", new WeightPenalty(0, 0.5f), moved);
    builder.output(y);
    long terms = Math.max(y.shape().elements(), tolerance.terms());
    tolerances.put(loss.name(), Tolerance.ofUnits(terms));
    return differentiateLoss(loss, tolerance, wanted);
  }

  /** The case that compares a loss and its gradients. */
  Case differentiateLoss(Value loss, Tolerance tolerance, Value... wanted) {
    builder.output(loss);
    Map<Value, Value> gradients = Differentiate.append(builder, loss, List.of(wanted));
    gradients.values().forEach(builder::output);
    return finish(
        tolerance, List.of(new Case.Run(builder.build(), 1)), new Case.Gradient(loss, gradients));
  }

  /** The case that runs these programs one after the other. */
  Case finish(Tolerance tolerance, List<Case.Run> runs, Case.Gradient gradient) {
    return new Case(
        name + (kind == Numbers.Kind.INTEGERS ? " of integers" : ""),
        reason,
        seed,
        runs,
        data,
        tolerance,
        tolerances,
        gradient);
  }
}
