package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Precision;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Dropout;
import java.util.List;
import java.util.function.Predicate;

/**
 * What an implementation's time depends on, besides the device: nodes of one key are computed by
 * one implementation.
 *
 * @param op its name
 * @param attributes the op with its attributes
 * @param inputs types of what is read
 * @param outputs types of what is written, with a word where nobody reads it
 * @param precision of products
 * @param nondeterministic whether algorithms may be used whose results differ from run to run
 */
record NodeKey(
    String op,
    String attributes,
    List<String> inputs,
    List<String> outputs,
    String precision,
    boolean nondeterministic) {
  NodeKey {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * The key of a node.
   *
   * @param read whether anybody reads a value
   */
  static NodeKey of(
      Node node, Predicate<Value> read, Precision precision, boolean nondeterministic) {
    return new NodeKey(
        node.op().name(),
        attributes(node.op()),
        node.inputs().stream().map(value -> value.type().toString()).toList(),
        node.outputs().stream()
            .map(value -> value.type() + (read.test(value) ? "" : " unread"))
            .toList(),
        precision.toString(),
        nondeterministic);
  }

  /** Without what changes results but no time. */
  private static String attributes(Op op) {
    return (op instanceof Dropout dropout ? new Dropout(dropout.rate(), 0) : op).toString();
  }

  /** All of it in one line, as files of other programs keep it. */
  @Override
  public String toString() {
    return attributes
        + " "
        + String.join(" ", inputs)
        + " to "
        + String.join(" ", outputs)
        + " "
        + precision
        + (nondeterministic ? " nondeterministic" : "");
  }
}
