package dev.gridstride.benchmark;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Cast;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Draws up a program of one node: the values it reads, with what fills them, and the results by
 * which it is judged. The same drawing gives the part of it that the reference computes, where a
 * dimension whose rows are computed apart has fewer of them.
 */
final class Draft {
  /** A value that is written before the run. */
  record Given(Fill fill, List<Dim> dims) {}

  /** A result and how far it may lie from the reference's. */
  record Result(Bound bound, List<Dim> dims) {}

  private final Precision precision;
  private final UnaryOperator<Dim> cut;
  private final Program.Builder builder = new Program.Builder();
  private final Map<Value, Given> given = new LinkedHashMap<>();
  private final Map<Value, Result> results = new LinkedHashMap<>();
  private final Map<String, Integer> free = new HashMap<>();

  /**
   * An empty one.
   *
   * @param precision of products
   * @param cut what is taken of a dimension whose rows are computed apart
   */
  Draft(Precision precision, UnaryOperator<Dim> cut) {
    this.precision = precision;
    this.cut = cut;
  }

  Precision precision() {
    return precision;
  }

  /** A dimension whose rows are computed apart from each other. */
  Dim free(String label, int size) {
    Dim dim = cut.apply(new Dim(label, size));
    free.put(label, dim.size());
    return dim;
  }

  /** The type of a product's factors. */
  DataType factor() {
    return precision == Precision.BF16 ? DataType.BFLOAT16 : DataType.FLOAT32;
  }

  /** A batch. */
  Value input(String name, DataType type, Fill fill, Dim... dims) {
    return given(builder.input(name, new TensorType(type, shape(dims))), fill, dims);
  }

  /** A weight, or what is kept like one. */
  Value parameter(String name, Fill fill, Dim... dims) {
    return given(builder.parameter(name, shape(dims)), fill, dims);
  }

  /** A weight as a factor of products; in bf16 a rounded copy of one, which is a state. */
  Value weight(String name, Dim... dims) {
    return factor() == DataType.FLOAT32
        ? parameter(name, Fill.REALS, dims)
        : state(name, factor(), Fill.REALS, dims);
  }

  Value state(String name, DataType type, Fill fill, Dim... dims) {
    return given(builder.state(name, new TensorType(type, shape(dims))), fill, dims);
  }

  /** Part of a data set. */
  Value data(String name, DataType type, Fill fill, Dim... dims) {
    return given(builder.data(name, new TensorType(type, shape(dims))), fill, dims);
  }

  private Value given(Value value, Fill fill, Dim... dims) {
    given.put(value, new Given(fill, List.of(dims)));
    return value;
  }

  /** Adds the op; its outputs are results only once they are said to be. */
  List<Value> add(Op op, Value... inputs) {
    return builder.addAll("y", op, List.of(inputs));
  }

  /** The value rounded to bfloat16. */
  Value cast(Value value) {
    return builder.add("cast", new Cast(DataType.BFLOAT16), value);
  }

  /** Adds an op that overwrites values, which are its results. */
  void update(Op op, Bound bound, List<Value> inputs, Value... targets) {
    builder.update(op, inputs, List.of(targets));
    for (Value target : targets) {
      results.put(target, new Result(bound, given.get(target).dims()));
    }
  }

  /** A result: an output of the program. */
  void result(Value value, Bound bound, Dim... dims) {
    if (!shape(dims).equals(value.shape())) {
      throw new IllegalStateException(value + " is not of " + Arrays.toString(dims));
    }
    builder.output(value);
    results.put(value, new Result(bound, List.of(dims)));
  }

  Program program() {
    return builder.build();
  }

  Map<Value, Given> given() {
    return given;
  }

  Map<Value, Result> results() {
    return results;
  }

  /** How many rows each dimension has whose rows are computed apart. */
  Map<String, Integer> free() {
    return free;
  }

  /** A dimension of rows that belong together. */
  static Dim whole(int size) {
    return Dim.whole(size);
  }

  static Shape shape(Dim... dims) {
    return Shape.of(Arrays.stream(dims).mapToInt(Dim::size).toArray());
  }
}
