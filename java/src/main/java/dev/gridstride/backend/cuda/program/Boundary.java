package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Reshape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Rewrites a program for memory of the caller: every input and output is a persistent value, which
 * nothing else shares memory with. One that the caller keeps row by row, or where the kernels
 * cannot read it, is copied into a value of the program before its first reader, and out of one
 * after its last writer.
 */
final class Boundary {
  /** Stands at the end of a name that the caller's value has. */
  private static final String INSIDE = ".inside";

  private final Set<Value> outputs;
  private final Set<Value> rowMajor;
  private final Set<Value> unaligned;
  private final Map<Value, Value> bound = new LinkedHashMap<>();
  private final Map<Value, Value> inside = new HashMap<>();
  private final Set<Value> written = new LinkedHashSet<>();
  private final Set<String> names = new HashSet<>();
  private final List<Node> nodes = new ArrayList<>();
  private final Program program;

  /**
   * Rewrites.
   *
   * @param rowMajor values that lie row by row whatever their rank
   * @param unaligned values at any address
   * @throws ProgramException if one of them cannot be copied
   */
  Boundary(Program original, Set<Value> rowMajor, Set<Value> unaligned) {
    this.outputs = Set.copyOf(original.outputs());
    this.rowMajor = rowMajor;
    this.unaligned = unaligned;
    original.values().forEach(value -> names.add(value.name()));
    original.values().stream()
        .filter(this::isBound)
        .forEach(value -> bound.put(value, twin(value)));
    for (Node node : original.nodes()) {
      List<Value> inputs = node.inputs().stream().map(this::read).toList();
      List<Value> results = node.outputs().stream().map(this::write).toList();
      nodes.add(new Node(node.op(), inputs, results));
    }
    for (Value value : written) {
      nodes.add(copy(inside.get(value), bound.get(value)));
    }
    program = Program.of(nodes, original.outputs().stream().map(bound::get).toList());
  }

  /** The rewritten program. */
  Program program() {
    return program;
  }

  /** What the caller binds, by the original value. */
  Map<Value, Value> bound() {
    return bound;
  }

  private boolean isBound(Value value) {
    return value.role().persistent() || outputs.contains(value);
  }

  private boolean isRowMajor(Value value) {
    return rowMajor.contains(value) && Layout.moves(value.shape());
  }

  /** Whether the program works on a copy. */
  boolean isCopied(Value value) {
    return isRowMajor(value) || unaligned.contains(value);
  }

  private Value twin(Value value) {
    if (isCopied(value)
        && (value.type().dtype() != DataType.FLOAT32 || value.shape().rank() == 0)) {
      throw new ProgramException(
          "program on memory of the caller: "
              + value
              + " cannot be copied from another layout or alignment; expected a FLOAT32 of at least"
              + " one dimension");
    }
    Shape shape = value.shape();
    if (isRowMajor(value)) {
      shape = Shape.of(shape.dim(0), Math.toIntExact(shape.elementsPerRow()));
    } else if (value.role().persistent()) {
      return value;
    }
    Role role = value.role().persistent() ? value.role() : Role.STATE;
    TensorType type = new TensorType(value.type().dtype(), shape);
    return Value.of(value.name(), type, role, value.batched());
  }

  private Value read(Value value) {
    Value twin = bound.get(value);
    if (twin == null) {
      return value;
    }
    if (!isCopied(value)) {
      return twin;
    }
    return inside.computeIfAbsent(
        value,
        v -> {
          Value copy = fresh(v);
          nodes.add(copy(twin, copy));
          return copy;
        });
  }

  private Value write(Value value) {
    Value twin = bound.get(value);
    if (twin == null) {
      return value;
    }
    if (!isCopied(value)) {
      return twin;
    }
    Value result = fresh(value);
    inside.put(value, result);
    written.add(value);
    return result;
  }

  private Value fresh(Value value) {
    StringBuilder name = new StringBuilder(value.name());
    do {
      name.append(INSIDE);
    } while (!names.add(name.toString()));
    Role role = value.role() == Role.GRADIENT ? Role.GRADIENT : Role.ACTIVATION;
    return Value.of(name.toString(), value.type(), role, value.batched());
  }

  private static Node copy(Value from, Value to) {
    return new Node(new Reshape(to.shape()), List.of(from), List.of(to));
  }
}
