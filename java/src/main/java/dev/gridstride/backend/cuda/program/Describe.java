package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.stream.Collectors;

/** Nodes and programs with their shapes, for messages. */
final class Describe {
  private Describe() {}

  /** For example {@code relu1 = relu(conv1), float32[8,3] to float32[8,3]}. */
  static String node(Node node) {
    return node + ", " + types(node.inputs()) + " to " + types(node.outputs());
  }

  /** How many nodes there are, and the first and the last. */
  static String program(Program program) {
    List<Node> nodes = program.nodes();
    return switch (nodes.size()) {
      case 0 -> "a program of no nodes with " + types(program.outputs());
      case 1 -> "a program of one node, " + node(nodes.get(0));
      default ->
          "a program of "
              + nodes.size()
              + " nodes, from "
              + node(nodes.get(0))
              + ", through "
              + node(nodes.get(nodes.size() - 1));
    };
  }

  private static String types(List<Value> values) {
    return values.stream().map(value -> value.type().toString()).collect(Collectors.joining(", "));
  }
}
