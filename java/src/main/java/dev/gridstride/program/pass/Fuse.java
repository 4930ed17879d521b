package dev.gridstride.program.pass;

import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
import dev.gridstride.program.op.SoftmaxCrossEntropyBackward;
import java.util.ArrayList;
import java.util.List;

/**
 * Merges forward ops that one kernel computes at once; run it before {@link Differentiate}, whose
 * gradient rules know the merged ops.
 *
 * <ul>
 *   <li>conv2d or dense, then bias_add: bias becomes an input
 *   <li>conv2d or dense, then relu: ReLU becomes an attribute
 *   <li>reshape to [N, K], then dense: dense reads the original
 *   <li>softmax, then cross_entropy: softmax_cross_entropy, exact where the pair needs a floor
 * </ul>
 */
public final class Fuse {
  /** Merges a node with its neighbours if they are what the rule is for. */
  @FunctionalInterface
  private interface Rule {
    void merge(Rewriter rewriter, Node node);
  }

  /** Each is tried on every node, in the order of the nodes. */
  private static final List<Rule> RULES =
      List.of(Fuse::bias, Fuse::relu, Fuse::flatten, Fuse::softmaxCrossEntropy);

  private Fuse() {}

  /** The program with all such groups merged. */
  public static Program apply(Program program) {
    Rewriter rewriter = new Rewriter(program);
    for (Node node : rewriter.snapshot()) {
      for (Rule rule : RULES) {
        if (rewriter.contains(node)) {
          rule.merge(rewriter, node);
        }
      }
    }
    return rewriter.finish();
  }

  /**
   * The ops that a node does in one, for example {@code conv2d + bias + relu}; empty for a node
   * that does one.
   */
  public static String describe(Node node) {
    List<String> parts = new ArrayList<>();
    if (node.op() instanceof Dense && node.input(0).shape().rank() > 2) {
      parts.add("flatten");
    }
    if (isLinear(node.op())) {
      parts.add(node.op().name());
      if (node.inputs().size() == 3) {
        parts.add("bias");
      }
      if (!isLinearWithoutRelu(node.op())) {
        parts.add("relu");
      }
    } else if (node.op() instanceof Conv2dBackwardWeights
        || node.op() instanceof DenseBackwardWeights) {
      parts.add("weight gradient");
      if (node.outputs().size() == 2) {
        parts.add("bias gradient");
      }
    } else if (node.op() instanceof SoftmaxCrossEntropy) {
      parts.addAll(List.of("softmax", "cross_entropy"));
    } else if (node.op() instanceof SoftmaxCrossEntropyBackward) {
      parts.addAll(List.of("cross_entropy gradient", "softmax gradient"));
    }
    return parts.size() < 2 ? "" : String.join(" + ", parts);
  }

  private static void bias(Rewriter rewriter, Node bias) {
    Node linear = bias.op() instanceof BiasAdd ? rewriter.producer(bias.input(0)) : null;
    if (linear == null
        || linear.inputs().size() != 2
        || !rewriter.onlyReader(bias.input(0), bias)
        || !isLinearWithoutRelu(linear.op())) {
      return;
    }
    List<Value> inputs = new ArrayList<>(linear.inputs());
    inputs.add(bias.input(1));
    rewriter.replace(bias, new Node(linear.op(), inputs, bias.outputs()));
    rewriter.remove(linear);
  }

  private static boolean isLinear(Op op) {
    return op instanceof Conv2d || op instanceof Dense;
  }

  private static boolean isLinearWithoutRelu(Op op) {
    return (op instanceof Conv2d conv && !conv.relu())
        || (op instanceof Dense dense && !dense.relu());
  }

  private static void relu(Rewriter rewriter, Node relu) {
    Node linear = relu.op() instanceof Relu ? rewriter.producer(relu.input(0)) : null;
    if (linear == null
        || !rewriter.onlyReader(relu.input(0), relu)
        || !isLinearWithoutRelu(linear.op())) {
      return;
    }
    Op op = linear.op() instanceof Conv2d conv ? conv.withRelu(true) : new Dense(true);
    rewriter.replace(relu, new Node(op, linear.inputs(), relu.outputs()));
    rewriter.remove(linear);
  }

  private static void flatten(Rewriter rewriter, Node reshape) {
    if (!(reshape.op() instanceof Reshape op) || op.shape().rank() != 2) {
      return;
    }
    for (Node reader : rewriter.consumers(reshape.output())) {
      if (reader.op() instanceof Dense) {
        List<Value> inputs = new ArrayList<>(reader.inputs());
        inputs.set(0, reshape.input(0));
        rewriter.replace(reader, new Node(reader.op(), inputs, reader.outputs()));
      }
    }
  }

  private static void softmaxCrossEntropy(Rewriter rewriter, Node crossEntropy) {
    if (!(crossEntropy.op() instanceof CrossEntropy loss)) {
      return;
    }
    Node softmax = rewriter.producer(crossEntropy.input(0));
    if (softmax == null || !(softmax.op() instanceof Softmax)) {
      return;
    }
    Node fused =
        new Node(
            new SoftmaxCrossEntropy(loss.labelSmoothing()),
            List.of(softmax.input(0), crossEntropy.input(1)),
            List.of(crossEntropy.output(), softmax.output()));
    // In the softmax's place, so that whoever reads the probabilities still comes after it; the
    // labels must be there by then.
    Node labels = rewriter.producer(crossEntropy.input(1));
    List<Node> order = rewriter.snapshot();
    if (labels != null && order.indexOf(labels) > order.indexOf(softmax)) {
      return;
    }
    rewriter.replace(softmax, fused);
    rewriter.remove(crossEntropy);
  }
}
