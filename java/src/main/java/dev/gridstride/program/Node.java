package dev.gridstride.program;

import java.util.List;
import java.util.stream.Collectors;

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

  /** For example {@code relu1 = relu(conv1)}. */
  @Override
  public String toString() {
    return outputs.stream().map(Value::name).collect(Collectors.joining(", "))
        + " = "
        + op
        + inputs.stream().map(Value::name).collect(Collectors.joining(", ", "(", ")"));
  }
}
