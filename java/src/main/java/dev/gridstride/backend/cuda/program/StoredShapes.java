package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Sgd;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.op.WeightPenaltyBackward;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Chooses the order of columns of the weights of dense layers that read images.
 *
 * <p>A dense layer reads images [B,C,H,W] as rows of C*H*W features in the order C, H, W, but they
 * are stored channels-last. So that nothing has to be permuted in every step, its weight [N,C*H*W]
 * is stored as if it were [N,C,H,W]: its columns in the order H, W, C too. What is computed of it
 * element by element goes with it: gradient, moments, casts. All of them keep the ordinary order if
 * anything in the program reads one of them in another.
 */
final class StoredShapes {
  private final Map<Value, Value> leaders = new HashMap<>();
  private final Map<Value, Set<Shape>> demands = new HashMap<>();

  private StoredShapes() {}

  /**
   * The values of a program that are stored as another shape than their own.
   *
   * @param fixed the shape as which a value has to be stored, or null if that can be chosen
   */
  static Map<Value, Shape> of(Program program, Function<Value, Shape> fixed) {
    StoredShapes choice = new StoredShapes();
    program.nodes().forEach(choice::look);
    Map<Value, Set<Shape>> fixedOf = new HashMap<>();
    List<Value> matrices = program.values().stream().filter(v -> v.shape().rank() == 2).toList();
    for (Value value : matrices) {
      Shape shape = fixed.apply(value);
      if (shape != null) {
        fixedOf.computeIfAbsent(choice.leader(value), v -> new HashSet<>()).add(shape);
      }
    }
    Map<Value, Shape> result = new LinkedHashMap<>();
    for (Value value : matrices) {
      Value leader = choice.leader(value);
      Set<Shape> wanted =
          fixedOf.getOrDefault(leader, choice.demands.getOrDefault(leader, Set.of()));
      Shape own = fixed.apply(value);
      Shape shape = own != null ? own : wanted.size() == 1 ? wanted.iterator().next() : null;
      if (shape != null && !shape.equals(value.shape())) {
        result.put(value, shape);
      }
    }
    return result;
  }

  /**
   * As what a weight is best stored whose columns meet the elements of an image.
   *
   * @param weight [N,K]
   * @param image [B,...] with K elements an image
   */
  static Shape matching(Shape weight, Shape image) {
    return Layout.moves(image)
        ? Shape.of(weight.dim(0), image.dim(1), image.dim(2), image.dim(3))
        : weight;
  }

  /**
   * Whether an op treats all elements of its tensors of this shape alike, so that it may see them
   * in any order that is the same for all.
   */
  static boolean anyOrder(Op op) {
    return op instanceof Adam
        || op instanceof Sgd
        || op instanceof Add
        || op instanceof Cast
        || op instanceof WeightPenalty
        || op instanceof WeightPenaltyBackward;
  }

  private void look(Node node) {
    Op op = node.op();
    if (anyOrder(op)) {
      Shape shape = node.input(0).shape();
      node.inputs().forEach(value -> tie(node.input(0), value, shape));
      node.outputs().forEach(value -> tie(node.input(0), value, shape));
      return;
    }
    for (int i = 0; i < node.inputs().size(); i++) {
      Value value = node.input(i);
      Shape wanted = value.shape();
      if (i == 1 && op instanceof Dense) {
        wanted = matching(wanted, node.input(0).shape());
      } else if (i == 1 && op instanceof DenseBackwardData data) {
        wanted = matching(wanted, data.inputShape());
      }
      demand(value, wanted);
    }
    for (int i = 0; i < node.outputs().size(); i++) {
      Value value = node.output(i);
      boolean gradient = i == 0 && op instanceof DenseBackwardWeights;
      demand(value, gradient ? matching(value.shape(), node.input(0).shape()) : value.shape());
    }
  }

  private void demand(Value value, Shape shape) {
    if (value.shape().rank() == 2) {
      Value leader = leader(value);
      demands.computeIfAbsent(leader, v -> new LinkedHashSet<>()).add(shape);
    }
  }

  private void tie(Value a, Value b, Shape shape) {
    if (shape.rank() != 2 || !b.shape().equals(shape)) {
      return;
    }
    Value from = leader(b);
    Value to = leader(a);
    if (from != to) {
      leaders.put(from, to);
      Set<Shape> moved = demands.remove(from);
      if (moved != null) {
        demands.computeIfAbsent(to, v -> new LinkedHashSet<>()).addAll(moved);
      }
    }
  }

  /** The value that stands for all that are tied to this one. */
  private Value leader(Value value) {
    Value top = value;
    for (Value above = leaders.get(top); above != null; above = leaders.get(top)) {
      top = above;
    }
    if (top != value) {
      leaders.put(value, top);
    }
    return top;
  }
}
