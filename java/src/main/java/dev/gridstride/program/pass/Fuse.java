package dev.gridstride.program.pass;

import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.CrossEntropy;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import dev.gridstride.program.op.Softmax;
import dev.gridstride.program.op.SoftmaxCrossEntropy;
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
  private Fuse() {}

  /** The program with all such groups merged. */
  public static Program apply(Program program) {
    Rewriter rewriter = new Rewriter(program);
    for (Node node : rewriter.snapshot()) {
      if (!rewriter.contains(node)) {
        continue;
      }
      if (node.op() instanceof BiasAdd) {
        fuseBias(rewriter, node);
      } else if (node.op() instanceof Relu) {
        fuseRelu(rewriter, node);
      } else if (node.op() instanceof Reshape reshape && reshape.shape().rank() == 2) {
        fuseFlatten(rewriter, node);
      } else if (node.op() instanceof CrossEntropy loss) {
        fuseSoftmax(rewriter, node, loss);
      }
    }
    return rewriter.finish();
  }

  private static void fuseBias(Rewriter rewriter, Node bias) {
    Node linear = rewriter.producer(bias.input(0));
    if (linear == null
        || linear.inputs().size() != 2
        || !rewriter.onlyReader(bias.input(0), bias)
        || !linearWithoutRelu(linear.op())) {
      return;
    }
    List<Value> inputs = new ArrayList<>(linear.inputs());
    inputs.add(bias.input(1));
    rewriter.replace(bias, new Node(linear.op(), inputs, bias.outputs()));
    rewriter.remove(linear);
  }

  private static boolean linearWithoutRelu(Op op) {
    return (op instanceof Conv2d conv && !conv.relu())
        || (op instanceof Dense dense && !dense.relu());
  }

  private static void fuseRelu(Rewriter rewriter, Node relu) {
    Node linear = rewriter.producer(relu.input(0));
    if (linear == null
        || !rewriter.onlyReader(relu.input(0), relu)
        || !linearWithoutRelu(linear.op())) {
      return;
    }
    Op op = linear.op() instanceof Conv2d conv ? conv.withRelu(true) : new Dense(true);
    rewriter.replace(relu, new Node(op, linear.inputs(), relu.outputs()));
    rewriter.remove(linear);
  }

  private static void fuseFlatten(Rewriter rewriter, Node reshape) {
    for (Node reader : rewriter.consumers(reshape.output())) {
      if (reader.op() instanceof Dense) {
        List<Value> inputs = new ArrayList<>(reader.inputs());
        inputs.set(0, reshape.input(0));
        rewriter.replace(reader, new Node(reader.op(), inputs, reader.outputs()));
      }
    }
  }

  private static void fuseSoftmax(Rewriter rewriter, Node crossEntropy, CrossEntropy loss) {
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
    // labels
    // must be there by then.
    Node labels = rewriter.producer(crossEntropy.input(1));
    List<Node> order = rewriter.snapshot();
    if (labels != null && order.indexOf(labels) > order.indexOf(softmax)) {
      return;
    }
    rewriter.replace(softmax, fused);
    rewriter.remove(crossEntropy);
  }
}
