package dev.gridstride.backend.cpu;

import dev.gridstride.backend.UnsupportedOpException;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Turns a program into steps: each family of ops chooses implementations and layouts in program
 * order; a value needed in another layout, or as a sum of its shards' parts, gets a step for that.
 */
final class Lowering {
  private final OneDnn oneDnn;
  private final Function<Value, Layout> pinned;
  private final Program program;
  private final Sharding sharding;
  private final int workers;
  private final List<Step> steps = new ArrayList<>();
  private final Map<Node, List<Step>> stepsOf = new LinkedHashMap<>();
  private final Map<Value, Layout> layouts = new LinkedHashMap<>();
  private final Set<Value> partials = new HashSet<>();
  private final Set<Value> contiguous = new HashSet<>();
  private final Map<Value, Float> constants = new HashMap<>();
  private final Map<Value, Value> sums = new HashMap<>();
  private final Map<Value, Map<Layout, Value>> reordered = new HashMap<>();
  private final Map<Value, Value> workspaces = new HashMap<>();
  private final Map<Value, Layout> inputLayouts = new HashMap<>();
  private int temporaries;

  /**
   * Begins a lowering.
   *
   * @param pinned layout that the session keeps a persistent value in already, or null
   */
  Lowering(OneDnn oneDnn, Program program, int workers, Function<Value, Layout> pinned) {
    this.oneDnn = oneDnn;
    this.pinned = pinned;
    this.program = program;
    this.workers = workers;
    List<Integer> rows =
        program.values().stream()
            .filter(Value::batched)
            .map(value -> value.shape().dim(0))
            .distinct()
            .toList();
    // Values of different batch sizes cannot be cut at the same rows, so they stay whole.
    sharding = rows.size() == 1 ? Sharding.of(rows.get(0), workers) : new Sharding(1, 1);
  }

  /** Lowers all nodes. */
  void run() {
    for (Value value : program.values()) {
      if (value.type().dtype() == DataType.BFLOAT16) {
        throw new UnsupportedOpException(
            "cpu: "
                + value
                + ": only CUDA devices compute with bfloat16 (--device cuda or sim); this device"
                + " computes in float32");
      }
    }
    Map<Class<?>, Steps> table = Steps.table();
    for (Node node : program.nodes()) {
      Steps family = table.get(node.op().getClass());
      if (family == null) {
        throw new UnsupportedOpException(
            "cpu: op "
                + node.op().name()
                + " is not supported ("
                + node
                + "); an op of your own runs on the devices cuda and sim (CudaOp) and reference"
                + " (HostOp)");
      }
      int before = steps.size();
      family.lower(node, this);
      stepsOf.put(node, List.copyOf(steps.subList(before, steps.size())));
    }
    for (Value output : program.outputs()) {
      whole(output);
    }
  }

  OneDnn oneDnn() {
    return oneDnn;
  }

  List<Step> steps() {
    return steps;
  }

  /** Each node with its steps, among them those that bring its inputs into another layout. */
  Map<Node, List<Step>> stepsOf() {
    return stepsOf;
  }

  Sharding sharding() {
    return sharding;
  }

  int workers() {
    return workers;
  }

  Set<Value> contiguous() {
    return contiguous;
  }

  Map<Value, Float> constants() {
    return constants;
  }

  boolean partial(Value value) {
    return partials.contains(value);
  }

  /**
   * What a max pooling keeps for its backward pass, in oneDNN's own form; argmax is only its name.
   */
  Value defineWorkspace(Value argmax, Layout layout) {
    Value workspace =
        temporary(
            argmax.name(), TensorType.float32(argmax.shape().dims()), argmax.batched(), layout);
    workspaces.put(argmax, workspace);
    return workspace;
  }

  /** The workspace of a pooling in this program, or null. */
  Value workspace(Value argmax) {
    return workspaces.get(argmax);
  }

  /**
   * Notes the layout of the input that weights were laid out for, as the gradient's first choice.
   */
  void rememberInputLayout(Value weight, Layout layout) {
    inputLayouts.put(weight, layout);
  }

  /** The layout noted for these weights, or else ANY. */
  Layout inputLayout(Value weight) {
    return inputLayouts.getOrDefault(weight, Layout.ANY);
  }

  /** The node that computes a value, or null. */
  Node producer(Value value) {
    return program.producer(value);
  }

  boolean isOutput(Value value) {
    return program.outputs().contains(value);
  }

  /** Whether a value lives in Java: scalars, integers and data sets. */
  static boolean inHeap(Value value) {
    return value.type().dtype() != DataType.FLOAT32
        || value.shape().rank() == 0
        || value.role() == Role.DATA;
  }

  /** The layout a value is kept in; persistent values that nobody chose for are row-major. */
  Layout layout(Value value) {
    Layout known = layouts.get(value);
    if (known == null && value.role().persistent()) {
      known = pinned.apply(value);
      if (known == null) {
        known = Layout.PLAIN;
      }
      layouts.put(value, known);
    }
    if (known == null) {
      throw new IllegalStateException("no layout yet for " + value);
    }
    return known;
  }

  /** The layout of a parameter if it is decided already, or else ANY. */
  Layout layoutIfPinned(Value value) {
    Layout known = layouts.get(value);
    if (known == null) {
      known = pinned.apply(value);
    }
    return known == null ? Layout.ANY : known;
  }

  void define(Value value, Layout layout) {
    layouts.put(value, layout);
  }

  /** Marks a value as one sum a shard, added up when somebody needs the whole. */
  void definePartial(Value value, Layout layout) {
    layouts.put(value, layout);
    if (sharding.shards() > 1) {
      partials.add(value);
    }
  }

  /** Defines a sum over the batch: a part a shard if the step is sharded. */
  void defineSum(Step.Mode mode, Value value, Layout layout) {
    if (mode == Step.Mode.SHARDED) {
      definePartial(value, layout);
    } else {
      define(value, layout);
    }
  }

  void constant(Value value, float content) {
    constants.put(value, content);
  }

  /** A value that only steps know. */
  Value temporary(String name, TensorType type, boolean batched, Layout layout) {
    temporaries++;
    Value value = Value.of(name + "#" + temporaries, type, Role.ACTIVATION, batched);
    layouts.put(value, layout);
    return value;
  }

  /**
   * SHARDED if all of these values, whose rows belong together, are batched; else SERIAL. So a step
   * that takes a batch and, say, a parameter of the same shape works on both whole.
   */
  Step.Mode mode(List<Value> values) {
    return values.stream().allMatch(Value::batched) ? Step.Mode.SHARDED : Step.Mode.SERIAL;
  }

  /** Parts of a mode. */
  int parts(Step.Mode mode) {
    return switch (mode) {
      case SHARDED -> sharding.shards();
      case SLICED -> workers;
      case SERIAL -> 1;
    };
  }

  /** Dimensions of what a part of {@code mode} sees of a value. */
  Shape partShape(Value value, Step.Mode mode, int part) {
    return value.batched() && mode == Step.Mode.SHARDED && sharding.shards() > 1
        ? value.shape().withRows(sharding.size(part))
        : value.shape();
  }

  /** Adds a step. What one that is not sharded sees of a batch must lie in one piece. */
  void add(Step step) {
    if (step.mode() != Step.Mode.SHARDED) {
      step.reads().stream().filter(Value::batched).forEach(contiguous::add);
      step.writes().stream().filter(Value::batched).forEach(contiguous::add);
    }
    steps.add(step);
  }

  /** The value itself, or the sum of its shards' parts if it is kept as such. */
  Value whole(Value value) {
    if (!partials.contains(value)) {
      return value;
    }
    return sums.computeIfAbsent(
        value,
        v -> {
          Value sum = temporary(v.name(), v.type(), false, layouts.get(v));
          add(SumPartials.step(v, sum, workers));
          return sum;
        });
  }

  /** First row of the batch that a part of {@code mode} works on. */
  int firstRow(Step.Mode mode, int part) {
    return mode == Step.Mode.SHARDED ? sharding.start(part) : 0;
  }

  /** The value in this layout, reordered if it is kept in another. */
  Value in(Value value, Layout wanted) {
    Value whole = whole(value);
    if (layout(whole).same(wanted, whole.shape())) {
      return whole;
    }
    if (!layout(whole).reordersTo(wanted, whole.shape())) {
      return in(in(whole, Layout.PLAIN), wanted);
    }
    Map<Layout, Value> copies = reordered.computeIfAbsent(whole, v -> new LinkedHashMap<>());
    for (Map.Entry<Layout, Value> copy : copies.entrySet()) {
      if (copy.getKey().same(wanted, whole.shape())) {
        return copy.getValue();
      }
    }
    Value copy = temporary(whole.name(), whole.type(), whole.batched(), wanted);
    add(Reorder.step(this, whole, copy));
    if (!whole.role().persistent()) {
      copies.put(wanted, copy);
    }
    return copy;
  }

  /** Where the sum of a partial value is, for reading it as an output. */
  Value wholeOf(Value value) {
    return sums.getOrDefault(value, value);
  }

  Map<Value, Layout> layouts() {
    return layouts;
  }
}
