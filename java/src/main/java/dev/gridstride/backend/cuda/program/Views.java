package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Reshape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Reshapes that move nothing: both values are one piece of memory, and the node does nothing. */
final class Views {
  private final Function<Value, Shape> stored;
  private final Map<Value, Value> seen = new LinkedHashMap<>();

  Views(Program program, Function<Value, Shape> stored) {
    this.stored = stored;
    for (Node node : program.nodes()) {
      if (isView(node)) {
        seen.put(node.output(), of(node.input(0)));
      }
    }
  }

  /**
   * Whether a node is a view. A persistent value can be overwritten while the reshaped one is still
   * read, so it is copied.
   */
  boolean isView(Node node) {
    return node.op() instanceof Reshape && isPlain(node.input(0)) && isPlain(node.output());
  }

  private boolean isPlain(Value value) {
    return !value.role().persistent()
        && !Layout.moves(value.shape())
        && stored.apply(value).equals(value.shape());
  }

  /** The value whose memory this one is: another, or itself. */
  Value of(Value value) {
    return seen.getOrDefault(value, value);
  }

  /** The program as its memory sees it: without views. */
  Program without(Program program) {
    List<Node> nodes = new ArrayList<>();
    for (Node node : program.nodes()) {
      if (!isView(node)) {
        nodes.add(
            new Node(node.op(), node.inputs().stream().map(this::of).toList(), node.outputs()));
      }
    }
    return Program.of(nodes, program.outputs().stream().map(this::of).toList());
  }
}
