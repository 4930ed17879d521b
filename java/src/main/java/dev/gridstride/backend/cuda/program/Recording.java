package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Reshape;
import dev.gridstride.program.pass.MemoryPlan;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A program as commands, with its memory laid out: everything but addresses.
 *
 * <p>A reshape that moves nothing is a view: both values are one piece of memory, and the node has
 * no commands.
 */
final class Recording {
  static final int ALIGNMENT = 256;

  /**
   * What one node does.
   *
   * @param scratches memory of the node's own
   */
  record Step(Node node, List<Command> commands, List<Place.Memory> scratches) {
    /** Bytes of the scratches, each at a multiple of {@link #ALIGNMENT}. */
    long scratchBytes() {
      return scratches.stream().mapToLong(scratch -> aligned(scratch.bytes)).sum();
    }
  }

  private final Map<Value, Value> views = new LinkedHashMap<>();
  private final Map<Value, Place.Memory> memories = new LinkedHashMap<>();
  private final Map<Place.Memory, float[]> constants = new LinkedHashMap<>();
  private final List<Step> steps = new ArrayList<>();
  private final MemoryPlan plan;

  /**
   * Records all nodes.
   *
   * @param persistent the memory of a persistent value
   * @throws dev.gridstride.backend.BackendException if there is no kernel for a node
   */
  Recording(Program program, Function<Value, Place.Memory> persistent, Emitter.Traits device) {
    for (Node node : program.nodes()) {
      if (isView(node)) {
        views.put(node.output(), viewed(node.input(0)));
      }
    }
    Function<Value, Place> places =
        value -> Place.of(value.role().persistent() ? persistent.apply(value) : memory(value));
    for (Node node : program.nodes()) {
      Emitter e = new Emitter(node, Lowerings.inPlace(node), places, device);
      if (!isView(node)) {
        Lowerings.of(node).lower(node.op(), e);
      }
      constants.putAll(e.constants());
      steps.add(new Step(node, e.commands(), e.scratches()));
    }
    plan = MemoryPlan.of(withoutViews(program), value -> value.type().bytes(), ALIGNMENT);
  }

  /**
   * A persistent value can be overwritten while the reshaped one is still read, so it is copied.
   */
  private static boolean isView(Node node) {
    return node.op() instanceof Reshape
        && !node.input(0).role().persistent()
        && !node.output().role().persistent()
        && !Layout.moves(node.input(0).shape())
        && !Layout.moves(node.output().shape());
  }

  private Value viewed(Value value) {
    return views.getOrDefault(value, value);
  }

  private Program withoutViews(Program program) {
    List<Node> nodes = new ArrayList<>();
    for (Node node : program.nodes()) {
      if (!isView(node)) {
        nodes.add(
            new Node(node.op(), node.inputs().stream().map(this::viewed).toList(), node.outputs()));
      }
    }
    return Program.of(nodes, program.outputs().stream().map(this::viewed).toList());
  }

  /** The memory of a value that lives within one run. */
  Place.Memory memory(Value value) {
    return memories.computeIfAbsent(
        viewed(value), v -> new Place.Memory(v.name(), v.type().bytes()));
  }

  List<Step> steps() {
    return steps;
  }

  /** Memory of the values that live within one run, views left out. */
  Collection<Place.Memory> memories() {
    return memories.values();
  }

  /** Memory that never changes, and what is in it. */
  Map<Place.Memory, float[]> constants() {
    return constants;
  }

  /** Where in the arena the memories are. */
  Map<Place.Memory, Long> arenaOffsets() {
    Map<Place.Memory, Long> offsets = new LinkedHashMap<>();
    plan.offsets().forEach((value, offset) -> offsets.put(memory(value), offset));
    return offsets;
  }

  long arenaBytes() {
    return plan.arenaBytes();
  }

  /** Where in the scratch memory the scratches are: those of every node begin at 0. */
  Map<Place.Memory, Long> scratchOffsets() {
    Map<Place.Memory, Long> offsets = new LinkedHashMap<>();
    for (Step step : steps) {
      long offset = 0;
      for (Place.Memory scratch : step.scratches()) {
        offsets.put(scratch, offset);
        offset += aligned(scratch.bytes);
      }
    }
    return offsets;
  }

  /** The most that a node has in scratches. */
  long scratchBytes() {
    return steps.stream().mapToLong(Step::scratchBytes).max().orElse(0);
  }

  /** {@code bytes} rounded up to a multiple of {@link #ALIGNMENT}. */
  static long aligned(long bytes) {
    return Math.multiplyExact((bytes + ALIGNMENT - 1) / ALIGNMENT, (long) ALIGNMENT);
  }
}
