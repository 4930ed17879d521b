package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The persistent values of a session by name, and the gradients that optimisers read.
 *
 * <p>Parameters and states that a program brings lie in one block each, so that one launch can
 * update all weights: first, group by group, all weights, all moments of one kind in the order of
 * the weights, and so on; then everything else. Gradients lie in a block of their own in the same
 * order; a run writes them before it reads them, so all programs share them. What is between values
 * is zero, and updates leave it so.
 */
final class Persistents {
  /**
   * One value.
   *
   * @param stored the shape as which it is stored, see {@link StoredShapes}
   */
  record Kept(TensorType type, Shape stored, Place.Memory memory) {}

  private final String session;
  private final boolean apart;
  private final Map<String, Kept> kept = new LinkedHashMap<>();

  /** By the name of the weight. */
  private final Map<String, Place.Memory> gradients = new LinkedHashMap<>();

  /**
   * No values.
   *
   * @param session for messages
   * @param apart whether each value has a buffer of its own
   */
  Persistents(String session, boolean apart) {
    this.session = session;
    this.apart = apart;
  }

  /** The same values, to which others can be added. */
  Persistents copy() {
    Persistents copy = new Persistents(session, apart);
    copy.kept.putAll(kept);
    copy.gradients.putAll(gradients);
    return copy;
  }

  /**
   * The value of this name.
   *
   * @throws BackendException if no program brought it
   */
  Kept find(Value value) {
    Kept found = kept.get(value.name());
    if (found == null) {
      throw new BackendException(
          session + ": no compiled program of this session has a persistent value " + value.name());
    }
    return found;
  }

  /**
   * The same, of a single number.
   *
   * @throws ProgramException if it has more
   */
  Kept findScalar(Value value) {
    Kept found = find(value);
    if (found.type().shape().elements() != 1) {
      throw new ProgramException(
          session + ": read " + value.name() + ": expected a scalar, it is " + found.type());
    }
    return found;
  }

  /**
   * What a program finds and what it would add. Nothing changes until {@link #keep}.
   *
   * @param data what streams from the host and has no memory here
   * @throws ProgramException if a value is here with another type
   */
  Plan plan(Program program, DataStreams.Plan data) {
    return new Plan(program, data);
  }

  /** From now on, what {@code plan} would add is here. */
  void keep(Plan plan) {
    kept.putAll(plan.fresh);
    gradients.putAll(plan.freshGradients);
  }

  /** Forgets everything. */
  void clear() {
    kept.clear();
    gradients.clear();
  }

  /** A program's view of the values, with those that it brings. */
  final class Plan implements Surroundings {
    private final Map<String, Kept> fresh = new LinkedHashMap<>();
    private final Map<String, Place.Memory> freshGradients = new LinkedHashMap<>();
    private final Map<Value, Shape> stored;
    private final Map<Value, Place.Memory> gradientMemories = new HashMap<>();
    private final List<OptimizerGroup> groups;
    private final List<Block> blocks;
    private final DataStreams.Plan data;

    private Plan(Program program, DataStreams.Plan data) {
      this.data = data;
      List<Value> values =
          program.values().stream().filter(value -> value.role().persistent()).toList();
      values.forEach(this::checkSameType);
      stored = StoredShapes.of(program, this::fixed);
      groups = apart ? List.of() : groups(program);
      Set<Value> order = new LinkedHashSet<>();
      groups.forEach(group -> addOperands(group, order));
      order.addAll(values);
      for (Value value : order) {
        if (!kept.containsKey(value.name()) && !data.streams(value)) {
          Place.Memory memory = new Place.Memory(value.name(), value.type().bytes());
          fresh.put(value.name(), new Kept(value.type(), stored(value), memory));
        }
      }
      placeGradients(program);
      blocks = apart ? List.of() : blocks(order);
    }

    private List<Block> blocks(Set<Value> order) {
      Block parameters = new Block("parameters");
      Block states = new Block("states");
      Block gradientBlock = new Block("gradients");
      List<Block> all = new ArrayList<>(List.of(parameters, states, gradientBlock));
      for (Value value : order) {
        Kept added = fresh.get(value.name());
        if (added != null && value.role() == Role.PARAMETER) {
          parameters.add(added.memory());
        } else if (added != null && value.role() == Role.STATE) {
          states.add(added.memory());
        } else if (added != null) {
          Block own = new Block(value.name());
          own.add(added.memory());
          all.add(own);
        }
      }
      freshGradients.values().forEach(gradientBlock::add);
      return all.stream().filter(block -> block.bytes() > 0).toList();
    }

    /** Memory for what the program brings, all zero. */
    void allocate(DeviceMemory memory, CudaStream stream) {
      if (apart) {
        List<Place.Memory> memories = freshMemories();
        memory.apart(memories, stream);
        memories.forEach(one -> one.buffer().fill((byte) 0, stream));
      }
      for (Block block : blocks) {
        memory.together(block);
        block.buffer().fill((byte) 0, stream);
      }
    }

    /** What {@link #allocate} will take. */
    long bytes() {
      return apart
          ? freshMemories().stream().mapToLong(memory -> memory.bytes).sum()
          : blocks.stream().mapToLong(Block::bytes).sum();
    }

    /** How often {@link #allocate} will allocate. */
    int allocations() {
      return apart ? fresh.size() : blocks.size();
    }

    /** Whether the value is one that the program brings. */
    boolean brings(Value value) {
      return fresh.containsKey(value.name());
    }

    private List<Place.Memory> freshMemories() {
      return fresh.values().stream().map(Kept::memory).toList();
    }

    /** Memory of all values, the program's among them. */
    Stream<Place.Memory> memories() {
      return Stream.concat(kept.values().stream(), fresh.values().stream()).map(Kept::memory);
    }

    private void checkSameType(Value value) {
      Kept known = kept.get(value.name());
      if (known != null && !known.type().equals(value.type())) {
        throw new ProgramException(
            session
                + ": another program of this session has "
                + value.name()
                + " as "
                + known.type()
                + ", this one as "
                + value.type());
      }
    }

    /** Only what the program computes and what belongs to its net may be stored otherwise. */
    private Shape fixed(Value value) {
      Kept known = value.role().persistent() ? kept.get(value.name()) : null;
      if (known != null) {
        return known.stored();
      }
      return value.role() == Role.INPUT || value.role() == Role.DATA ? value.shape() : null;
    }

    /** Updates in the order in which their weights lie, fresh ones last and as they come. */
    private List<OptimizerGroup> groups(Program program) {
      Map<String, Integer> places = new HashMap<>();
      kept.keySet().forEach(name -> places.put(name, places.size()));
      Comparator<Node> order =
          Comparator.comparingInt(
              node ->
                  places.getOrDefault(node.input(OptimizerGroup.WEIGHT).name(), Integer.MAX_VALUE));
      return OptimizerGroup.of(program).stream().map(group -> group.sorted(order)).toList();
    }

    private static void addOperands(OptimizerGroup group, Set<Value> order) {
      for (int operand = 0; operand < group.operands(); operand++) {
        for (Node node : group.nodes()) {
          if (node.input(operand).role().persistent()) {
            order.add(node.input(operand));
          }
        }
      }
    }

    /** Those that nobody reads after the run. */
    private void placeGradients(Program program) {
      Views views = new Views(program, this::stored);
      Set<Value> taken = new HashSet<>();
      Set<Value> served = new HashSet<>();
      program.outputs().forEach(output -> taken.add(views.of(output)));
      for (OptimizerGroup group : groups) {
        for (Node node : group.nodes()) {
          Value weight = node.input(OptimizerGroup.WEIGHT);
          Value gradient = views.of(node.input(OptimizerGroup.GRADIENT));
          if (!gradient.role().persistent() && taken.add(gradient) && served.add(weight)) {
            gradientMemories.put(gradient, gradientOf(weight));
          }
        }
      }
    }

    private Place.Memory gradientOf(Value weight) {
      Place.Memory known = gradients.get(weight.name());
      return known != null
          ? known
          : freshGradients.computeIfAbsent(
              weight.name(),
              name -> new Place.Memory("gradient of " + name, weight.type().bytes()));
    }

    @Override
    public Place.Memory memory(Value value) {
      if (!value.role().persistent()) {
        return gradientMemories.get(value);
      }
      if (data.streams(value)) {
        return data.memory(value);
      }
      Kept known = kept.get(value.name());
      return (known == null ? fresh.get(value.name()) : known).memory();
    }

    @Override
    public Shape stored(Value value) {
      return stored.getOrDefault(value, value.shape());
    }

    @Override
    public List<OptimizerGroup> groups() {
      return groups;
    }
  }
}
