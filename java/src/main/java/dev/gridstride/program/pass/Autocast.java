package dev.gridstride.program.pass;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Matmul;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Rounds the factors of convolutions and matrix products, forward and backward, to bfloat16; run it
 * last. Their results, and everything else, stay float32: so parameters are masters of which each
 * run rounds a copy, and the optimiser updates them unrounded.
 *
 * <p>A value is cast once, before its first reader, however many there are; a persistent one again
 * after it was overwritten.
 */
public final class Autocast {
  private final List<Node> nodes = new ArrayList<>();
  private final Map<Value, Value> casts = new HashMap<>();
  private final Set<String> names = new HashSet<>();

  private Autocast(Program program) {
    program.values().forEach(value -> names.add(value.name()));
  }

  /**
   * The program with casts.
   *
   * @param wanted which of the convolutions and matrix products
   */
  public static Program apply(Program program, Predicate<Node> wanted) {
    Autocast pass = new Autocast(program);
    for (Node node : program.nodes()) {
      boolean product = multiplies(node.op()) && wanted.test(node);
      pass.nodes.add(product ? pass.withCasts(node) : node);
      node.outputs().forEach(pass.casts::remove);
    }
    return Program.of(pass.nodes, program.outputs());
  }

  /** Whether inputs 0 and 1 of the op are the factors of its products. */
  public static boolean multiplies(Op op) {
    return op instanceof Conv2d
        || op instanceof Conv2dBackwardData
        || op instanceof Conv2dBackwardWeights
        || op instanceof Dense
        || op instanceof DenseBackwardData
        || op instanceof DenseBackwardWeights
        || op instanceof Matmul;
  }

  private Node withCasts(Node node) {
    List<Value> inputs = new ArrayList<>(node.inputs());
    inputs.set(0, cast(inputs.get(0)));
    inputs.set(1, cast(inputs.get(1)));
    return new Node(node.op(), inputs, node.outputs());
  }

  private Value cast(Value value) {
    if (value.type().dtype() == DataType.BFLOAT16) {
      return value;
    }
    return casts.computeIfAbsent(
        value,
        v -> {
          Cast op = new Cast(DataType.BFLOAT16);
          TensorType type = op.outputTypes(List.of(v.type())).get(0);
          Value cast = Value.of(name(v), type, Role.ACTIVATION, v.batched());
          nodes.add(new Node(op, List.of(v), List.of(cast)));
          return cast;
        });
  }

  private String name(Value value) {
    String name = value.name() + "_bf16";
    for (int i = 2; !names.add(name); i++) {
      name = value.name() + "_bf16_" + i;
    }
    return name;
  }
}
