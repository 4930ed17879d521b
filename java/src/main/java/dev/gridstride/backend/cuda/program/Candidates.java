package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.UnsupportedOpException;
import dev.gridstride.program.Node;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/** Which implementations of a node to try, and in which order. */
final class Candidates {
  /**
   * What is best for a node.
   *
   * @param name of the implementation
   * @param binding whether no other will do, since a run goes on that used it
   */
  record Winner(String name, boolean binding) {
    /** Where nothing is known. */
    static final Winner UNKNOWN = new Winner(ImplementationChoice.OWN, false);
  }

  /** Knows what is best for a node. */
  @FunctionalInterface
  interface Winners {
    /**
     * What is best.
     *
     * @param read whether anybody reads a value
     */
    Winner of(Node node, Predicate<Value> read);
  }

  private final Function<Node, List<Implementation>> table;
  private final ImplementationChoice choice;
  private final Winners winners;

  /**
   * The candidates of a session.
   *
   * @param table all implementations of a node's op, see {@link Lowerings#of}
   * @param choice what was asked for
   * @param winners the best implementation of a node where times decide
   */
  Candidates(
      Function<Node, List<Implementation>> table, ImplementationChoice choice, Winners winners) {
    this.table = table;
    this.choice = choice;
    this.winners = winners;
  }

  /** As asked for, without times. */
  static Candidates of(ImplementationChoice choice) {
    return new Candidates(Lowerings::of, choice, (node, read) -> Winner.UNKNOWN);
  }

  /** All implementations of the node's op, whoever is asked for. */
  List<Implementation> all(Node node) {
    return table.apply(node);
  }

  /**
   * The implementations to try; the first that takes the node is used.
   *
   * @param read whether anybody reads a value
   * @throws UnsupportedOpException if it has none of the name that is demanded
   * @throws BackendException if the op has none
   */
  List<Implementation> inOrder(Node node, Predicate<Value> read) {
    List<Implementation> all = all(node);
    String op = node.op().name();
    if (choice.isDemanded(op)) {
      return require(all, choice.of(op), node);
    }
    String first = choice.of(op);
    if (choice.isMeasured(op)) {
      Winner winner = winner(all, node, read);
      if (winner.binding()) {
        return require(all, winner.name(), node);
      }
      first = winner.name();
    }
    List<Implementation> order = new ArrayList<>(named(all, first));
    named(all, ImplementationChoice.OWN).stream()
        .filter(i -> !order.contains(i))
        .forEach(order::add);
    if (!choice.of(op).equals(ImplementationChoice.OWN)) {
      all.stream().filter(i -> !order.contains(i)).forEach(order::add);
    }
    return order;
  }

  private Winner winner(List<Implementation> all, Node node, Predicate<Value> read) {
    return all.size() > 1 ? winners.of(node, read) : Winner.UNKNOWN;
  }

  private static List<Implementation> require(List<Implementation> all, String name, Node node) {
    List<Implementation> named = named(all, name);
    if (named.isEmpty()) {
      throw new UnsupportedOpException(
          "cuda: "
              + node.op().name()
              + ": "
              + name
              + " has no implementation of it; there is "
              + String.join(", ", all.stream().map(Implementation::name).toList())
              + " ("
              + node
              + ")");
    }
    return named;
  }

  private static List<Implementation> named(List<Implementation> all, String name) {
    return all.stream().filter(candidate -> candidate.name().equals(name)).toList();
  }

  /** Says why nobody computes a node. */
  BackendException none(Node node, Map<String, String> refusals, Predicate<Value> read) {
    String op = node.op().name();
    StringBuilder why = new StringBuilder();
    refusals.forEach((name, reason) -> why.append("; ").append(name).append(": ").append(reason));
    String problem = "no implementation takes it";
    String cure = "";
    if (choice.isDemanded(op)) {
      problem = choice.of(op) + " does not take it";
      cure = "; --impl " + op + "=" + choice.of(op) + " allows no other: name another or none";
    } else if (choice.isMeasured(op) && winner(all(node), node, read).binding()) {
      String name = winner(all(node), node, read).name();
      problem = "the run that goes on computed it by " + name + ", which does not take it here";
      cure = "; mend that, or go on with --impl own or auto, whose last bits may differ";
    }
    return new UnsupportedOpException(
        "cuda: " + op + ": " + problem + why + cure + " (" + Describe.node(node) + ")");
  }
}
