package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.program.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Which implementations of a node to try, and in which order. */
final class Candidates {
  private Candidates() {}

  /**
   * The implementations to try; the first that takes the node is used.
   *
   * @throws BackendException if the op has none, or none of the name that is demanded
   */
  static List<Implementation> of(Node node, ImplementationChoice choice) {
    List<Implementation> all = Lowerings.of(node);
    String op = node.op().name();
    String wanted = choice.of(op);
    List<Implementation> named = named(all, wanted);
    if (choice.isDemanded(op)) {
      if (named.isEmpty()) {
        throw new BackendException(
            "cuda: "
                + op
                + ": "
                + wanted
                + " has no implementation of it; there is "
                + String.join(", ", all.stream().map(Implementation::name).toList())
                + " ("
                + node
                + ")");
      }
      return named;
    }
    List<Implementation> order = new ArrayList<>(named);
    named(all, ImplementationChoice.OWN).stream()
        .filter(i -> !order.contains(i))
        .forEach(order::add);
    if (!wanted.equals(ImplementationChoice.OWN)) {
      all.stream().filter(i -> !order.contains(i)).forEach(order::add);
    }
    return order;
  }

  private static List<Implementation> named(List<Implementation> all, String name) {
    return all.stream().filter(candidate -> candidate.name().equals(name)).toList();
  }

  /** Says why nobody computes a node. */
  static BackendException none(Node node, Map<String, String> refusals) {
    StringBuilder why = new StringBuilder();
    refusals.forEach((name, reason) -> why.append("; ").append(name).append(": ").append(reason));
    return new BackendException(
        "cuda: " + node.op().name() + ": no implementation takes it" + why + " (" + node + ")");
  }
}
