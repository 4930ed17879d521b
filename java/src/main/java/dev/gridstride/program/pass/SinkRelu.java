package dev.gridstride.program.pass;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.MaxPool2dBackward;
import dev.gridstride.program.op.ReluBackward;
import java.util.List;

/**
 * Moves the gradient of a ReLU below the max pooling that follows it, on to the smaller map; run it
 * after {@link Differentiate}.
 *
 * <p>{@code relu_backward(max_pool2d_backward(dy), x)} is {@code
 * max_pool2d_backward(relu_backward(dy, y))}, exactly: a gradient arrives at the maximum of a
 * window only, and that is positive if and only if the window's result {@code y} is. Where windows
 * overlap, both sides add the same terms.
 */
public final class SinkRelu {
  private SinkRelu() {}

  /** The program with every such pair exchanged. */
  public static Program apply(Program program) {
    Rewriter rewriter = new Rewriter(program);
    for (Node relu : rewriter.snapshot()) {
      if (relu.op() instanceof ReluBackward) {
        sink(rewriter, relu);
      }
    }
    return rewriter.finish();
  }

  private static void sink(Rewriter rewriter, Node relu) {
    Node poolBackward = rewriter.producer(relu.input(0));
    if (poolBackward == null
        || !(poolBackward.op() instanceof MaxPool2dBackward op)
        || !rewriter.onlyReader(relu.input(0), relu)) {
      return;
    }
    Node pool = rewriter.producer(poolBackward.input(1));
    if (pool == null || !(pool.op() instanceof MaxPool2d) || pool.input(0) != relu.input(1)) {
      return;
    }
    Value pooled = poolBackward.input(0);
    Value masked =
        Value.of(relu.output().name() + "_pooled", pooled.type(), pooled.role(), pooled.batched());
    rewriter.insertBefore(
        poolBackward,
        new Node(new ReluBackward(), List.of(pooled, pool.output(0)), List.of(masked)));
    rewriter.replace(
        poolBackward, new Node(op, List.of(masked, poolBackward.input(1)), relu.outputs()));
    rewriter.remove(relu);
  }
}
