package dev.gridstride.program.pass;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Gradients;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.Fill;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reverse-mode differentiation: appends the ops that compute the gradient of a scalar with respect
 * to some values, by the gradient rule of each op from last to first. Where a value is read more
 * than once, its gradients are added in the reverse order of the readers. Gradients are float32,
 * those of bfloat16 values too.
 */
public final class Differentiate {
  private final Program.Builder builder;
  private final Set<Value> needed = new HashSet<>();
  private final Map<Value, Value> gradients = new HashMap<>();

  private Differentiate(Program.Builder builder) {
    this.builder = builder;
  }

  /**
   * Appends the backward pass to the program in {@code builder}.
   *
   * @param builder the forward program; afterwards new ops write gradients
   * @param loss the scalar to differentiate
   * @param wanted values whose gradients are wanted
   * @return the gradient of each wanted value, in their order
   * @throws ProgramException if the loss does not depend on one of them, or does so through an op
   *     or an input that has no gradient
   */
  public static Map<Value, Value> append(
      Program.Builder builder, Value loss, Collection<Value> wanted) {
    if (loss.shape().rank() != 0) {
      throw new ProgramException("differentiate: the loss must be a scalar, got " + loss);
    }
    return new Differentiate(builder).run(loss, wanted);
  }

  private Map<Value, Value> run(Value loss, Collection<Value> wanted) {
    List<Node> forward = builder.build().nodes();
    needed.addAll(wanted);
    for (Node node : forward) {
      if (node.inputs().stream().anyMatch(needed::contains)) {
        node.outputs().stream().filter(v -> !v.role().persistent()).forEach(needed::add);
      }
    }
    builder.beginBackward();
    gradients.put(loss, builder.add("d_" + loss.name(), new Fill(loss.shape(), 1f)));
    for (int i = forward.size() - 1; i >= 0; i--) {
      Node node = forward.get(i);
      boolean reached = node.outputs().stream().anyMatch(gradients::containsKey);
      if (reached && node.inputs().stream().anyMatch(needed::contains)) {
        NodeGradients rule = new NodeGradients(node);
        node.op().gradient(rule);
        rule.checkComplete();
      }
    }
    Map<Value, Value> result = new LinkedHashMap<>();
    for (Value value : wanted) {
      Value gradient = gradients.get(value);
      if (gradient == null) {
        throw new ProgramException(
            "differentiate: " + loss.name() + " does not depend on " + value.name());
      }
      result.put(value, gradient);
    }
    return result;
  }

  private final class NodeGradients implements Gradients {
    private final Node node;
    private final boolean[] given;

    NodeGradients(Node node) {
      this.node = node;
      given = new boolean[node.inputs().size()];
    }

    void checkComplete() {
      for (int i = 0; i < given.length; i++) {
        if (needed(i) && !given[i]) {
          throw new ProgramException(
              node.op().name() + ": has no gradient with respect to its input " + input(i));
        }
      }
    }

    @Override
    public Node node() {
      return node;
    }

    @Override
    public Program.Builder builder() {
      return builder;
    }

    @Override
    public Value gradOutput(int i) {
      return gradients.get(node.output(i));
    }

    @Override
    public boolean needed(int i) {
      return needed.contains(node.input(i));
    }

    @Override
    public void accumulate(int i, Value gradient) {
      Value input = node.input(i);
      TensorType type = input.type();
      DataType dtype = type.dtype() == DataType.BFLOAT16 ? DataType.FLOAT32 : type.dtype();
      if (!gradient.type().equals(new TensorType(dtype, type.shape()))) {
        throw new ProgramException(
            node.op().name() + ": gradient " + gradient + " does not fit input " + input);
      }
      given[i] = true;
      gradients.merge(
          input,
          gradient,
          (before, more) -> builder.add("d_" + input.name(), new Add(), before, more));
    }
  }
}
