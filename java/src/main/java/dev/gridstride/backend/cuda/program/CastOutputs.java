package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Cast;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.Matmul;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Lets kernels on tensor cores write the bfloat16 of their result themselves: a product whose
 * result is cast has the cast's output beside its own, or instead of it where nobody else reads
 * that, and the cast is gone.
 */
final class CastOutputs {
  private CastOutputs() {}

  /** The program, in which such nodes have other outputs than their op says. */
  static Program merge(Program program) {
    Map<Value, Node> producers = new HashMap<>();
    Map<Node, Value> written = new HashMap<>();
    Set<Node> gone = new HashSet<>();
    for (Node node : program.nodes()) {
      if (writes(node)) {
        producers.put(node.output(), node);
      } else if (node.op() instanceof Cast cast && cast.to() == DataType.BFLOAT16) {
        Node producer = producers.get(node.input(0));
        if (producer != null && written.putIfAbsent(producer, node.output()) == null) {
          gone.add(node);
        }
      }
    }
    List<Node> nodes = new ArrayList<>();
    for (Node node : program.nodes()) {
      Value half = written.get(node);
      if (half != null) {
        nodes.add(new Node(node.op(), node.inputs(), outputs(program, node.output(), half)));
      } else if (!gone.contains(node)) {
        nodes.add(node);
      }
    }
    return Program.of(nodes, program.outputs());
  }

  private static List<Value> outputs(Program program, Value result, Value half) {
    boolean alone = program.consumers(result).size() == 1 && !program.outputs().contains(result);
    return alone ? List.of(half) : List.of(result, half);
  }

  /** Whether its kernel can: of bfloat16 factors, and into memory in the result's own order. */
  private static boolean writes(Node node) {
    Op op = node.op();
    boolean product =
        op instanceof Conv2d
            || op instanceof Conv2dBackwardData
            || op instanceof Dense
            || op instanceof Matmul
            || (op instanceof DenseBackwardData data && data.inputShape().rank() == 2);
    return product
        && node.input(0).type().dtype() == DataType.BFLOAT16
        && !node.output().role().persistent()
        && TensorCores.refusal(node) == null;
  }
}
