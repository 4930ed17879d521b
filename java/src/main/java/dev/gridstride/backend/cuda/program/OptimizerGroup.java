package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Adam;
import dev.gridstride.program.op.Sgd;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Updates of several weights by the same rule, one behind the other in a program, in any order: one
 * launch does as many of them as lie side by side in memory.
 *
 * @param first index of the first of them in the program
 * @param nodes the updates; their first {@link #operands} inputs are the weight, its gradient and
 *     what the optimiser keeps of it, the rest is common to all
 */
record OptimizerGroup(int first, List<Node> nodes) {
  /** The inputs that are the weight and its gradient. */
  static final int WEIGHT = 0;

  static final int GRADIENT = 1;

  /** Copies the list. */
  OptimizerGroup {
    nodes = List.copyOf(nodes);
  }

  /** The groups of a program, as large as they can be. */
  static List<OptimizerGroup> of(Program program) {
    List<OptimizerGroup> groups = new ArrayList<>();
    List<Node> nodes = program.nodes();
    for (int i = 0; i < nodes.size(); i++) {
      if (!isUpdate(nodes.get(i))) {
        continue;
      }
      int first = i;
      List<Node> members = new ArrayList<>(List.of(nodes.get(i)));
      while (i + 1 < nodes.size() && joins(members, nodes.get(i + 1))) {
        members.add(nodes.get(++i));
      }
      groups.add(new OptimizerGroup(first, members));
    }
    return groups;
  }

  /** How many inputs of an update have an element for each of the weight's; 0 for other ops. */
  static int operands(Op op) {
    return op instanceof Adam ? 4 : op instanceof Sgd ? 3 : 0;
  }

  /** The same for this group. */
  int operands() {
    return operands(nodes.get(0).op());
  }

  /** The same group with its updates in another order. */
  OptimizerGroup sorted(Comparator<Node> order) {
    return new OptimizerGroup(first, nodes.stream().sorted(order).toList());
  }

  /** Whether it updates its weight and states in place. */
  private static boolean isUpdate(Node node) {
    int operands = operands(node.op());
    if (operands == 0) {
      return false;
    }
    List<Value> targets = new ArrayList<>(node.inputs().subList(0, operands));
    targets.remove(GRADIENT);
    return node.outputs().equals(targets);
  }

  /** Whether it is such an update and neither changes what the others read nor reads theirs. */
  private static boolean joins(List<Node> members, Node node) {
    Node known = members.get(0);
    if (!isUpdate(node) || !node.op().equals(known.op()) || !common(node).equals(common(known))) {
      return false;
    }
    return members.stream()
        .allMatch(
            member ->
                Collections.disjoint(member.outputs(), node.inputs())
                    && Collections.disjoint(node.outputs(), member.inputs()));
  }

  private static List<Value> common(Node node) {
    return node.inputs().subList(operands(node.op()), node.inputs().size());
  }
}
