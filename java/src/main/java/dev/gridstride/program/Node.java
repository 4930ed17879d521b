package dev.gridstride.program;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One step of a {@link Program}: an op applied to values.
 *
 * @param op what is computed
 * @param inputs values read
 * @param outputs values written; a persistent value here is overwritten in place
 */
public record Node(Op op, List<Value> inputs, List<Value> outputs) {
  /** Copies the lists, so that a node is immutable. */
  public Node {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** Input {@code i}. */
  public Value input(int i) {
    return inputs.get(i);
  }

  /** Output {@code i}. */
  public Value output(int i) {
    return outputs.get(i);
  }

  /** The only output. */
  public Value output() {
    if (outputs.size() != 1) {
      throw new IllegalStateException(op.name() + " has " + outputs.size() + " outputs");
    }
    return outputs.get(0);
  }

  /** Floating-point operations of one run of this node. */
  public long flops() {
    return op.flops(
        inputs.stream().map(Value::type).toList(), outputs.stream().map(Value::type).toList());
  }

  /**
   * Bytes of the values read, each once, and of those written; what is overwritten in place counts
   * as both. Of a data set, of which a batch is read, as many rows as the outputs have.
   */
  public long bytes() {
    return bytes(List.of(this));
  }

  /** The same of several nodes, whose common values count once. */
  public static long bytes(List<Node> nodes) {
    Map<Value, Long> read = new HashMap<>();
    Map<Value, Long> written = new HashMap<>();
    for (Node node : nodes) {
      node.inputs.forEach(value -> read.put(value, node.bytes(value)));
      node.outputs.forEach(value -> written.put(value, node.bytes(value)));
    }
    return Stream.of(read, written)
        .flatMap(bytes -> bytes.values().stream())
        .mapToLong(Long::longValue)
        .sum();
  }

  private long bytes(Value value) {
    Shape shape = value.shape();
    Shape first = outputs.get(0).shape();
    boolean part =
        value.role() == Role.DATA
            && shape.rank() > 0
            && first.rank() > 0
            && first.dim(0) < shape.dim(0);
    return part
        ? new TensorType(value.type().dtype(), shape.withRows(first.dim(0))).bytes()
        : value.type().bytes();
  }

  /** For example {@code relu1 = relu(conv1)}. */
  @Override
  public String toString() {
    return outputs.stream().map(Value::name).collect(Collectors.joining(", "))
        + " = "
        + op
        + inputs.stream().map(Value::name).collect(Collectors.joining(", ", "(", ")"));
  }
}
