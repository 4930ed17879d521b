package dev.gridstride.benchmark;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A program of one node with its data, and how its results are judged.
 *
 * @param request what it was made of
 * @param draft its program and values
 * @param data what is written before the run
 */
record Problem(Request request, Draft draft, Map<Value, Tensor> data) {
  /** Elements of an array, less what a virtual machine keeps for itself. */
  private static final int LARGEST = Integer.MAX_VALUE - 8;

  /** The problem of a request, with data that depends on it alone. */
  static Problem of(Request request) {
    Draft draft = draw(request);
    Map<Value, Tensor> data = new LinkedHashMap<>();
    draft
        .given()
        .forEach(
            (value, given) -> {
              long seed = 31L * request.toString().hashCode() + value.name().hashCode();
              data.put(value, given.fill().draw(value.type(), new SplittableRandom(seed)));
            });
    return new Problem(request, draft, data);
  }

  /** The problem without data, for its sizes. */
  static Problem sketch(Request request) {
    return new Problem(request, draw(request), Map.of());
  }

  /**
   * Draws the op up and throws it away.
   *
   * @throws BenchmarkException if its sizes do not fit together
   * @throws dev.gridstride.program.ProgramException likewise
   */
  static void check(Request request) {
    for (Value value : draw(request).program().values()) {
      if (value.shape().elements() > LARGEST) {
        throw new BenchmarkException(
            value
                + " has more elements than an array of Java's, which checks it: at most "
                + LARGEST);
      }
    }
  }

  private static Draft draw(Request request) {
    Draft draft = new Draft(request.precision(), dim -> dim);
    request.kind().draw().accept(request.sizes(), draft);
    return draft;
  }

  Program program() {
    return draft.program();
  }

  /** The element type of what it reads first: the type of a product's factors. */
  DataType type() {
    return program().nodes().get(0).input(0).type().dtype();
  }

  /** Floating-point operations, a multiply and an add counted as two; 0 where traffic counts. */
  long flops() {
    return program().flops();
  }

  /**
   * Bytes of all that is read and of all that is written; what lies between two nodes is neither.
   */
  long bytes() {
    List<Node> nodes = program().nodes();
    Node first = nodes.get(0);
    return first.bytes() - bytes(first.outputs()) + bytes(nodes.get(nodes.size() - 1).outputs());
  }

  private static long bytes(List<Value> values) {
    return values.stream().mapToLong(value -> value.type().bytes()).sum();
  }
}
