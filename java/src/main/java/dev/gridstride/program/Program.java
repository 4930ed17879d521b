package dev.gridstride.program;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An ordered list of ops over named values, compiled once by a backend and run many times.
 *
 * <p>Nodes run in order. A value of role {@link Role#ACTIVATION} or {@link Role#GRADIENT} is
 * written by exactly one node, before it is read. Persistent values may be overwritten; readers see
 * what was written last. Immutable.
 */
public final class Program {
  private final List<Node> nodes;
  private final List<Value> outputs;

  private Program(List<Node> nodes, List<Value> outputs) {
    this.nodes = List.copyOf(nodes);
    this.outputs = List.copyOf(outputs);
  }

  /**
   * A program of these nodes, in this order.
   *
   * @param outputs values the caller reads after a run; they keep their memory to the end
   * @throws ProgramException if a value is read before it is written, written twice, or two values
   *     share a name
   */
  public static Program of(List<Node> nodes, Collection<Value> outputs) {
    Map<String, Value> byName = new HashMap<>();
    Set<Value> written = new LinkedHashSet<>();
    for (Node node : nodes) {
      for (Value input : node.inputs()) {
        if (!input.role().persistent() && !written.contains(input)) {
          throw new ProgramException("program: " + node + " reads " + input.name() + " unwritten");
        }
        checkName(byName, input);
      }
      for (Value output : node.outputs()) {
        if (!written.add(output) && !output.role().persistent()) {
          throw new ProgramException("program: " + output.name() + " is written twice");
        }
        checkName(byName, output);
      }
    }
    for (Value output : outputs) {
      if (!output.role().persistent() && !written.contains(output)) {
        throw new ProgramException("program: output " + output.name() + " is never written");
      }
    }
    return new Program(nodes, List.copyOf(new LinkedHashSet<>(outputs)));
  }

  private static void checkName(Map<String, Value> byName, Value value) {
    Value other = byName.putIfAbsent(value.name(), value);
    if (other != null && other != value) {
      throw new ProgramException("program: two values are named " + value.name());
    }
  }

  /** All nodes in the order in which they run. */
  public List<Node> nodes() {
    return nodes;
  }

  /** Values that can be read after a run, besides the persistent ones. */
  public List<Value> outputs() {
    return outputs;
  }

  /** All values in the order of their first use. */
  public Set<Value> values() {
    Set<Value> values = new LinkedHashSet<>();
    for (Node node : nodes) {
      values.addAll(node.inputs());
      values.addAll(node.outputs());
    }
    values.addAll(outputs);
    return values;
  }

  /** The node that writes a value of role activation or gradient, or null if there is none. */
  public Node producer(Value value) {
    for (Node node : nodes) {
      if (node.outputs().contains(value)) {
        return node;
      }
    }
    return null;
  }

  /** The nodes that read {@code value}, in order. */
  public List<Node> consumers(Value value) {
    return nodes.stream().filter(node -> node.inputs().contains(value)).toList();
  }

  /** Floating-point operations of one run. */
  public long flops() {
    return nodes.stream().mapToLong(Node::flops).sum();
  }

  /** One node a line. */
  @Override
  public String toString() {
    return nodes.stream().map(Node::toString).collect(Collectors.joining("\n"));
  }

  /** Puts a program together, node by node. Not thread-safe. */
  public static final class Builder {
    private final List<Node> nodes = new ArrayList<>();
    private final Set<Value> outputs = new LinkedHashSet<>();
    private final Map<String, Value> byName = new HashMap<>();
    private Role computedRole = Role.ACTIVATION;

    /** An empty program. */
    public Builder() {}

    /** A program that begins with the nodes and outputs of {@code program}. */
    public Builder(Program program) {
      nodes.addAll(program.nodes);
      outputs.addAll(program.outputs);
      program.values().forEach(value -> byName.put(value.name(), value));
    }

    /** A value with samples along dimension 0, written by the caller before a run. */
    public Value input(String name, TensorType type) {
      if (type.shape().rank() == 0) {
        throw new ProgramException(
            "program: input " + name + " needs a dimension of samples, got " + type);
      }
      return persistent(name, type, Role.INPUT, true);
    }

    /** A constant written once by the caller, such as a whole data set. */
    public Value data(String name, TensorType type) {
      return persistent(name, type, Role.DATA, false);
    }

    /** A learned float32 tensor; the same value if asked for again by the same name. */
    public Value parameter(String name, Shape shape) {
      return persistent(name, new TensorType(DataType.FLOAT32, shape), Role.PARAMETER, false);
    }

    /** A tensor kept from run to run; the same value if asked for again by the same name. */
    public Value state(String name, TensorType type) {
      return persistent(name, type, Role.STATE, false);
    }

    private Value persistent(String name, TensorType type, Role role, boolean batched) {
      Value known = byName.get(name);
      if (known == null) {
        known = Value.of(name, type, role, batched);
        byName.put(name, known);
      } else if (known.role() != role || !known.type().equals(type)) {
        throw new ProgramException(
            "program: "
                + name
                + " is already "
                + known.role()
                + " "
                + known.type()
                + ", asked for as "
                + role
                + " "
                + type);
      }
      return known;
    }

    /**
     * Adds an op with one output.
     *
     * @param name name of the output; a number is appended if it is taken
     */
    public Value add(String name, Op op, Value... inputs) {
      List<Value> results = addAll(name, op, List.of(inputs));
      if (results.size() != 1) {
        throw new IllegalStateException(op.name() + " has " + results.size() + " outputs");
      }
      return results.get(0);
    }

    /**
     * Adds an op and returns its outputs; those after the first are named {@code name.1}, {@code
     * name.2}.
     */
    public List<Value> addAll(String name, Op op, List<Value> inputs) {
      List<TensorType> types = op.outputTypes(inputs.stream().map(Value::type).toList());
      boolean anyBatched = inputs.stream().anyMatch(Value::batched);
      List<Value> results = new ArrayList<>();
      for (int i = 0; i < types.size(); i++) {
        String unique = unique(i == 0 ? name : name + "." + i);
        Value result =
            Value.of(unique, types.get(i), computedRole, op.outputBatched(i, anyBatched));
        byName.put(unique, result);
        results.add(result);
      }
      nodes.add(new Node(op, inputs, results));
      return results;
    }

    /** Adds an op that overwrites persistent values. */
    public void update(Op op, List<Value> inputs, List<Value> targets) {
      List<TensorType> types = op.outputTypes(inputs.stream().map(Value::type).toList());
      List<TensorType> expected = targets.stream().map(Value::type).toList();
      if (!types.equals(expected)) {
        throw new ProgramException(
            op.name() + ": writes " + types + ", but its targets are " + targets);
      }
      for (Value target : targets) {
        if (!target.role().persistent()) {
          throw new ProgramException(op.name() + ": target " + target + " is not persistent");
        }
      }
      nodes.add(new Node(op, inputs, targets));
    }

    /** Marks a value to be readable after a run. */
    public void output(Value value) {
      outputs.add(Objects.requireNonNull(value));
    }

    /** From now on, ops write gradients instead of activations. */
    public void beginBackward() {
      computedRole = Role.GRADIENT;
    }

    /** The program so far. */
    public Program build() {
      return Program.of(nodes, outputs);
    }

    private String unique(String name) {
      if (!byName.containsKey(name)) {
        return name;
      }
      int suffix = 2;
      while (byName.containsKey(name + "_" + suffix)) {
        suffix++;
      }
      return name + "_" + suffix;
    }
  }
}
