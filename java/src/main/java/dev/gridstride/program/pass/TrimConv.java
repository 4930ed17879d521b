package dev.gridstride.program.pass;

import dev.gridstride.program.Node;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.Pool2d;
import java.util.List;

/**
 * Leaves out the rows and columns of a convolution that the pooling after it never reads: 13 of
 * them under windows of 2, say, where the last has no partner. Their gradient is zero, so training
 * sees the same numbers. The convolution gets a smaller bottom and right padding, which may become
 * negative. Run it after {@link Fuse} and before {@link Differentiate}.
 */
public final class TrimConv {
  private TrimConv() {}

  /** The program with every such convolution trimmed. */
  public static Program apply(Program program) {
    Rewriter rewriter = new Rewriter(program);
    for (Node node : rewriter.snapshot()) {
      if (node.op() instanceof MaxPool2d pool) {
        trim(rewriter, node, pool);
      }
    }
    return rewriter.finish();
  }

  private static void trim(Rewriter rewriter, Node poolNode, MaxPool2d pool) {
    Value map = poolNode.input(0);
    Node convNode = rewriter.producer(map);
    if (convNode == null
        || !(convNode.op() instanceof Conv2d conv)
        || !rewriter.onlyReader(map, poolNode)
        || argmaxIsRead(rewriter, poolNode)
        || !pool.window().padding().equals(Padding2d.NONE)) {
      return;
    }
    Pool2d window = pool.window();
    Shape pooled = poolNode.output(0).shape();
    int height = (pooled.dim(2) - 1) * window.stride().height() + window.kernel().height();
    int width = (pooled.dim(3) - 1) * window.stride().width() + window.kernel().width();
    Shape shape = map.shape();
    int rows = (shape.dim(2) - height) * conv.stride().height();
    int columns = (shape.dim(3) - width) * conv.stride().width();
    if (rows == 0 && columns == 0) {
      return;
    }
    Padding2d padding =
        new Padding2d(
            conv.padding().top(),
            conv.padding().left(),
            conv.padding().bottom() - rows,
            conv.padding().right() - columns);
    TensorType type = TensorType.float32(shape.dim(0), shape.dim(1), height, width);
    Value trimmed = map.withType(type);
    rewriter.replace(
        convNode, new Node(conv.withPadding(padding), convNode.inputs(), List.of(trimmed)));
    rewriter.redirect(map, trimmed);
  }

  /** Places in a trimmed image are counted in rows of its own width. */
  private static boolean argmaxIsRead(Rewriter rewriter, Node pool) {
    Value argmax = pool.output(1);
    return rewriter.isOutput(argmax) || !rewriter.consumers(argmax).isEmpty();
  }
}
