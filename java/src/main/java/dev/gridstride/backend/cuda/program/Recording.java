package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.Explanation.Verdict;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.cuda.LibraryException;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.pass.MemoryPlan;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A program as commands, with its memory laid out: everything but addresses.
 *
 * <p>A reshape that moves nothing is a view and has no commands. Updates of several weights that
 * lie side by side in memory, with their gradients and moments, are one launch.
 */
final class Recording implements AutoCloseable {
  static final int ALIGNMENT = 256;

  /**
   * What one node does.
   *
   * @param node a node of the program, or one that stands for several of them
   * @param members the program's nodes that it is
   * @param scratches memory of the node's own
   * @param notes why it is computed as it is, where that is not plain
   * @param implementation who computes it; empty for a view
   * @param refusals why others that come before do not
   */
  record Step(
      Node node,
      List<Node> members,
      List<Command> commands,
      List<Place.Memory> scratches,
      List<String> notes,
      String implementation,
      Map<String, String> refusals) {
    /** Bytes of the scratches, each at a multiple of {@link #ALIGNMENT}. */
    long scratchBytes() {
      return Recording.scratchBytes(scratches);
    }
  }

  private final Program program;
  private final Surroundings around;
  private final Emitter.Traits device;
  private final Views views;
  private final Map<Value, Place.Memory> memories = new LinkedHashMap<>();
  private final Map<Value, Place.Memory> spans = new HashMap<>();
  private final Map<Place.Memory, float[]> constants = new LinkedHashMap<>();
  private final List<Step> steps = new ArrayList<>();
  private final Block own;
  private final Block workspace;

  /**
   * Records all nodes.
   *
   * @throws dev.gridstride.backend.BackendException if there is no kernel for a node
   */
  Recording(Program program, Surroundings around, Emitter.Traits device) {
    this.program = program;
    this.around = around;
    this.device = device;
    views = new Views(program, around::stored);
    Map<Integer, OptimizerGroup> groups = new HashMap<>();
    around.groups().forEach(group -> groups.put(group.first(), group));
    boolean complete = false;
    try {
      recordAll(groups);
      own = layOutOwn();
      workspace = layOutWorkspace();
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  private void recordAll(Map<Integer, OptimizerGroup> groups) {
    List<Node> nodes = program.nodes();
    for (int i = 0; i < nodes.size(); i++) {
      OptimizerGroup group = groups.get(i);
      if (group == null) {
        record(nodes.get(i), List.of(nodes.get(i)));
      } else {
        record(group);
        i += group.nodes().size() - 1;
      }
    }
  }

  private void record(Node node, List<Node> members) {
    if (views.isView(node)) {
      steps.add(new Step(node, members, List.of(), List.of(), List.of(), "", Map.of()));
      return;
    }
    Map<String, String> refusals = new LinkedHashMap<>();
    for (Implementation candidate : device.candidates().inOrder(node, this::isRead)) {
      Emitter e = emitter(node, candidate);
      boolean complete = false;
      try {
        candidate.lowering().lower(node.op(), e);
        complete = true;
      } catch (UnsupportedException refusal) {
        refusals.put(candidate.name(), refusal.reason());
      } finally {
        if (!complete) {
          e.close();
        }
      }
      if (complete) {
        constants.putAll(e.constants());
        steps.add(
            new Step(
                node,
                members,
                e.commands(),
                e.scratches(),
                e.notes(),
                candidate.name(),
                Collections.unmodifiableMap(refusals)));
        return;
      }
    }
    throw device.candidates().none(node, refusals, this::isRead);
  }

  private Emitter emitter(Node node, Implementation candidate) {
    return new Emitter(
        node, candidate.inPlace(), this::place, around::stored, device, this::isRead);
  }

  /**
   * What every implementation of a step's op has to say to it, whoever was asked for, in the order
   * of {@link Lowerings}. May load libraries.
   */
  List<Explanation.Candidate> candidates(Step step) {
    if (step.implementation().isEmpty()) {
      return List.of();
    }
    List<Explanation.Candidate> all = new ArrayList<>();
    for (Implementation candidate : device.candidates().all(step.node())) {
      String name = candidate.name();
      if (name.equals(step.implementation())) {
        all.add(
            new Explanation.Candidate(
                name, Verdict.CHOSEN, Command.describe(step.commands()), step.scratchBytes()));
      } else if (step.refusals().containsKey(name)) {
        all.add(refused(name, step.refusals().get(name)));
      } else {
        all.add(ask(candidate, step.node()));
      }
    }
    for (String library : List.of(ImplementationChoice.CUDNN, ImplementationChoice.CUBLAS)) {
      if (all.stream().noneMatch(candidate -> candidate.name().equals(library))) {
        String why = "nothing of it computes " + step.node().op().name() + " here";
        all.add(new Explanation.Candidate(library, Verdict.ABSENT, why, 0));
      }
    }
    return all;
  }

  /** Whether an implementation would take a node; nothing of it is kept. */
  Explanation.Candidate ask(Implementation candidate, Node node) {
    try (Emitter e = emitter(node, candidate)) {
      candidate.lowering().lower(node.op(), e);
      return new Explanation.Candidate(
          candidate.name(),
          Verdict.POSSIBLE,
          Command.describe(e.commands()),
          scratchBytes(e.scratches()));
    } catch (UnsupportedException refusal) {
      return refused(candidate.name(), refusal.reason());
    } catch (LibraryException failure) {
      return refused(candidate.name(), "fails: " + failure.getMessage());
    }
  }

  private static Explanation.Candidate refused(String name, String reason) {
    return new Explanation.Candidate(name, Verdict.REFUSED, reason, 0);
  }

  private Place place(Value value) {
    Place.Memory span = spans.get(value);
    return Place.of(span == null ? memory(value) : span);
  }

  /** A step for each run of updates whose operands lie side by side. */
  private void record(OptimizerGroup group) {
    List<Node> run = new ArrayList<>();
    for (Node node : group.nodes()) {
      if (!run.isEmpty() && !continues(run, node, group.operands())) {
        recordRun(run, group.operands());
        run.clear();
      }
      run.add(node);
    }
    recordRun(run, group.operands());
  }

  private boolean continues(List<Node> run, Node node, int operands) {
    Node before = run.get(run.size() - 1);
    for (int i = 0; i < operands; i++) {
      if (!hasCommonOrder(before, i)
          || !hasCommonOrder(node, i)
          || !memory(before.input(i)).precedes(memory(node.input(i)))) {
        return false;
      }
    }
    return elements(memory(run.get(0).input(0)), memory(node.input(0))) <= Integer.MAX_VALUE;
  }

  /** Whether operand {@code i} of an update is stored in the order of its weight. */
  private boolean hasCommonOrder(Node node, int i) {
    return around.stored(node.input(i)).equals(around.stored(node.input(OptimizerGroup.WEIGHT)));
  }

  private void recordRun(List<Node> run, int operands) {
    Node first = run.get(0);
    if (run.size() == 1) {
      record(first, List.of(first));
      return;
    }
    Node last = run.get(run.size() - 1);
    List<Value> inputs = new ArrayList<>(first.inputs());
    for (int i = 0; i < operands; i++) {
      inputs.set(i, span(first.input(i), last.input(i)));
    }
    List<Value> outputs =
        first.outputs().stream().map(target -> inputs.get(first.inputs().indexOf(target))).toList();
    record(new Node(first.op(), inputs, outputs), List.copyOf(run));
  }

  /** A value that is all memory from one value to another. */
  private Value span(Value first, Value last) {
    String name = first.name() + ".." + last.name();
    int elements = Math.toIntExact(elements(memory(first), memory(last)));
    Value all = Value.of(name, TensorType.float32(elements), first.role(), false);
    spans.put(all, Place.Memory.span(name, memory(first), memory(last)));
    return all;
  }

  /** float32 elements from one memory to another. */
  private static long elements(Place.Memory first, Place.Memory last) {
    return Place.Memory.span("", first, last).bytes / Float.BYTES;
  }

  /** The memory of a value. */
  Place.Memory memory(Value value) {
    Value base = views.of(value);
    Place.Memory outside = around.memory(base);
    return outside != null
        ? outside
        : memories.computeIfAbsent(base, v -> new Place.Memory(v.name(), v.type().bytes()));
  }

  /** What the plan has to find a place for: neither others' memory nor outputs. */
  private long planned(Value value) {
    return memories.containsKey(value) && !isOutput(value) ? value.type().bytes() : 0;
  }

  private boolean isRead(Value value) {
    return isRead(program, value);
  }

  /** Whether another node or the caller reads a value. */
  static boolean isRead(Program program, Value value) {
    return value.role().persistent()
        || program.outputs().contains(value)
        || !program.consumers(value).isEmpty();
  }

  private boolean isOutput(Value base) {
    return program.outputs().stream().anyMatch(output -> views.of(output) == base);
  }

  List<Step> steps() {
    return steps;
  }

  Program program() {
    return program;
  }

  /** The shape as which a value is stored, see {@link StoredShapes}. */
  Shape stored(Value value) {
    return around.stored(value);
  }

  /** Memory of the values that are the program's own, views left out. */
  Collection<Place.Memory> memories() {
    return memories.values();
  }

  /** Memory that never changes, and what is in it. */
  Map<Place.Memory, float[]> constants() {
    return constants;
  }

  /** Memory of what has to stay between runs: outputs and constants. */
  Block own() {
    return own;
  }

  private Block layOutOwn() {
    Block block = new Block("outputs and constants");
    memories.forEach(
        (value, memory) -> {
          if (isOutput(value)) {
            block.add(memory);
          }
        });
    constants.keySet().forEach(block::add);
    return block;
  }

  /**
   * Memory of what is undefined between runs: values, which share memory when their lifetimes
   * allow; behind them scratches, those of every node at the same place.
   */
  Block workspace() {
    return workspace;
  }

  private Block layOutWorkspace() {
    Block block = new Block("workspace");
    MemoryPlan plan = MemoryPlan.of(views.without(program), this::planned, ALIGNMENT);
    plan.offsets().forEach((value, offset) -> block.put(memory(value), offset));
    for (Step step : steps) {
      long offset = plan.arenaBytes();
      for (Place.Memory scratch : step.scratches()) {
        block.put(scratch, offset);
        offset += aligned(scratch.bytes);
      }
    }
    return block;
  }

  private static long scratchBytes(List<Place.Memory> scratches) {
    return scratches.stream().mapToLong(scratch -> aligned(scratch.bytes)).sum();
  }

  /** {@code bytes} rounded up to a multiple of {@link #ALIGNMENT}. */
  static long aligned(long bytes) {
    return Math.multiplyExact((bytes + ALIGNMENT - 1) / ALIGNMENT, (long) ALIGNMENT);
  }

  /** Frees what calls of libraries hold. Never throws. */
  @Override
  public void close() {
    steps.forEach(step -> Command.close(step.commands()));
  }
}
