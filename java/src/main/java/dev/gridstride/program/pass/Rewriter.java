package dev.gridstride.program.pass;

import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What rewriting passes share: a mutable list of nodes with look-ups. */
final class Rewriter {
  private final List<Node> nodes;
  private final List<Value> outputs;

  Rewriter(Program program) {
    nodes = new ArrayList<>(program.nodes());
    outputs = program.outputs();
  }

  /** A copy to iterate over while nodes change. */
  List<Node> snapshot() {
    return List.copyOf(nodes);
  }

  boolean contains(Node node) {
    return nodes.contains(node);
  }

  /** The node that computes {@code value}, or null for a persistent value. */
  Node producer(Value value) {
    return value.role().persistent()
        ? null
        : nodes.stream().filter(n -> n.outputs().contains(value)).findFirst().orElse(null);
  }

  List<Node> consumers(Value value) {
    return nodes.stream().filter(n -> n.inputs().contains(value)).toList();
  }

  /** Whether {@code value} is read by exactly one node and by nobody after the run. */
  boolean onlyReader(Value value, Node reader) {
    return !outputs.contains(value) && consumers(value).equals(List.of(reader));
  }

  boolean isOutput(Value value) {
    return outputs.contains(value);
  }

  void replace(Node old, Node with) {
    nodes.set(nodes.indexOf(old), with);
  }

  void remove(Node node) {
    nodes.remove(node);
  }

  void insertBefore(Node place, Node node) {
    nodes.add(nodes.indexOf(place), node);
  }

  /** Makes every reader of {@code old} read {@code with} instead. */
  void redirect(Value old, Value with) {
    nodes.replaceAll(
        node ->
            node.inputs().contains(old)
                ? new Node(
                    node.op(),
                    node.inputs().stream().map(v -> v == old ? with : v).toList(),
                    node.outputs())
                : node);
  }

  /** The program, without nodes whose results nobody reads. */
  Program finish() {
    Set<Value> live = new HashSet<>(outputs);
    List<Node> kept = new ArrayList<>();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      if (node.outputs().stream().anyMatch(v -> v.role().persistent() || live.contains(v))) {
        live.addAll(node.inputs());
        kept.add(0, node);
      }
    }
    return Program.of(kept, outputs);
  }
}
