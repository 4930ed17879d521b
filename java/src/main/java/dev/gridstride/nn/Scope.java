package dev.gridstride.nn;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.WeightPenalty;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where a layer adds its ops: a program under construction, the names in force, and whether the
 * program is for training. Scopes nest as layers do; all scopes of one tree share what they
 * collect. Not thread-safe.
 */
public final class Scope {
  /** Name of the int64 state that counts training steps. */
  public static final String STEP = "step";

  /** What a Java array holds. */
  private static final int MAX_ELEMENTS = Integer.MAX_VALUE - 8;

  private record Penalty(Value weight, float l1, float l2) {}

  /** A layer that was applied. */
  record Applied(String name, Layer layer, Value output) {}

  private final Program.Builder builder;
  private final boolean training;
  private final long seed;
  private final String name;
  private final Map<String, ParameterSpec> parameters;
  private final List<Penalty> penalties;
  private final List<Applied> applied;

  private Scope(Program.Builder builder, boolean training, long seed) {
    this.builder = builder;
    this.training = training;
    this.seed = seed;
    this.name = "";
    this.parameters = new LinkedHashMap<>();
    this.penalties = new ArrayList<>();
    this.applied = new ArrayList<>();
  }

  private Scope(Scope parent, String name) {
    this.builder = parent.builder;
    this.training = parent.training;
    this.seed = parent.seed;
    this.name = name;
    this.parameters = parent.parameters;
    this.penalties = parent.penalties;
    this.applied = parent.applied;
  }

  /**
   * The root of a training program: dropout drops, batch normalisation uses the batch's statistics.
   *
   * @param seed of the model; layers that draw numbers derive their own from it
   */
  public static Scope training(Program.Builder builder, long seed) {
    return new Scope(builder, true, seed);
  }

  /** The root of an evaluation or prediction program. */
  public static Scope inference(Program.Builder builder) {
    return new Scope(builder, false, 0);
  }

  /** The program under construction. */
  public Program.Builder builder() {
    return builder;
  }

  /** Whether the program is for training. */
  public boolean training() {
    return training;
  }

  /** Path of the layer, for example {@code block1.conv2}; empty at the root. */
  public String name() {
    return name;
  }

  /** A seed for this layer alone, from the model's seed and the layer's name. */
  public long seed() {
    return Seeds.derive(seed, name);
  }

  /** The int64 state {@value #STEP}: how many training steps are done. */
  public Value step() {
    return builder.state(STEP, TensorType.scalar(DataType.INT64));
  }

  /** A learned tensor of this layer, named {@code layer.name}. */
  public Value parameter(String localName, Shape shape, Initializer initializer) {
    if (shape.elements() > MAX_ELEMENTS) {
      throw new ProgramException(
          localName + " must have at most " + MAX_ELEMENTS + " elements, got " + shape);
    }
    Value value = builder.parameter(path(localName), shape);
    parameters.putIfAbsent(value.name(), new ParameterSpec(value, initializer, true));
    return value;
  }

  /** A float32 tensor of this layer that is kept but not learned, named {@code layer.name}. */
  public Value state(String localName, Shape shape, Initializer initializer) {
    Value value = builder.state(path(localName), new TensorType(DataType.FLOAT32, shape));
    parameters.putIfAbsent(value.name(), new ParameterSpec(value, initializer, false));
    return value;
  }

  /** Adds an op whose output gets the layer's name. */
  public Value add(Op op, Value... inputs) {
    return builder.add(name, op, inputs);
  }

  /** As {@link #add} for ops with several outputs. */
  public List<Value> addAll(Op op, Value... inputs) {
    return builder.addAll(name, op, List.of(inputs));
  }

  /** Asks that {@code l1 * sum of |w| + l2 * sum of w^2} be added to the loss. */
  public void penalty(Value weight, float l1, float l2) {
    if (l1 != 0 || l2 != 0) {
      penalties.add(new Penalty(weight, l1, l2));
    }
  }

  /**
   * The loss with all penalties that layers asked for.
   *
   * @param loss scalar
   * @return {@code loss} itself if there are none
   */
  public Value addPenalties(Value loss) {
    Value sum = loss;
    for (Penalty penalty : penalties) {
      Op op = new WeightPenalty(penalty.l1, penalty.l2);
      Value term = builder.add(penalty.weight.name() + ".penalty", op, penalty.weight);
      sum = builder.add("loss_with_penalties", new Add(), sum, term);
    }
    return sum;
  }

  /** The scope of a layer within this one. */
  public Scope child(String localName) {
    return new Scope(this, path(localName));
  }

  /**
   * Applies a layer in a scope of its own; how layers that contain others do it.
   *
   * @throws ProgramException if the layer does not fit {@code x}; the message begins with the
   *     layer's path and options
   */
  public Value apply(String localName, Layer layer, Value x) {
    Scope child = child(localName);
    try {
      Value output = layer.apply(child, x);
      applied.add(new Applied(child.name, layer, output));
      return output;
    } catch (LayerException e) {
      throw e;
    } catch (ProgramException e) {
      throw new LayerException(child.name, layer, e.getMessage(), e);
    } catch (ArithmeticException e) {
      throw new LayerException(child.name, layer, "too large for input " + x.shape(), e);
    }
  }

  /** All parameters and states so far, in the order in which layers asked for them. */
  public List<ParameterSpec> parameters() {
    return List.copyOf(parameters.values());
  }

  List<Applied> applied() {
    return Collections.unmodifiableList(applied);
  }

  private String path(String localName) {
    return name.isEmpty() ? localName : name + "." + localName;
  }
}
