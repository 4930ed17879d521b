package dev.gridstride.backend;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.Locale;

/**
 * How a program is computed, node by node.
 *
 * @param rows in the order in which they run
 * @param workspaceBytes of everything that is undefined between runs: intermediate results, which
 *     share memory, and the scratch of the nodes
 */
public record Explanation(List<Row> rows, long workspaceBytes) {
  /** What a candidate has to say to a node. */
  public enum Verdict {
    /** It computes the node. */
    CHOSEN,
    /** It would take the node. */
    POSSIBLE,
    /** It does not take the node. */
    REFUSED,
    /** It has nothing for the op at all. */
    ABSENT;

    /** In lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * An implementation of an op.
   *
   * @param name {@code own}, {@code cudnn}, {@code cublas} or the backend's own word
   * @param verdict whether it computes the node
   * @param detail how, with launches, calls and algorithms; or why not
   * @param workspaceBytes scratch memory that it takes
   * @param coldNanos its time with a cold cache as it was measured for this choice; NaN if not
   * @param warmNanos the same with a warm cache
   */
  public record Candidate(
      String name,
      Verdict verdict,
      String detail,
      long workspaceBytes,
      double coldNanos,
      double warmNanos) {
    /** One that was not timed. */
    public Candidate(String name, Verdict verdict, String detail, long workspaceBytes) {
      this(name, verdict, detail, workspaceBytes, Double.NaN, Double.NaN);
    }
  }

  /** What limits a node at best. */
  public enum Bound {
    /** Reading and writing its values. */
    MEMORY,
    /** Its arithmetic. */
    COMPUTE,
    /** Nothing is moved or computed. */
    NOTHING,
    /** The device's peaks are not known. */
    UNKNOWN;

    /** In lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One node, or several that one launch computes.
   *
   * @param node op with attributes and names of the values
   * @param op its name
   * @param inputs types of what is read
   * @param outputs types of what is written
   * @param precision of its products; float32 for ops without
   * @param implementation who computes it; empty for a view, where nothing moves
   * @param candidates every implementation there is, in the order in which they were asked
   * @param notes layouts, what is fused, why this implementation
   * @param flops floating-point operations, a multiply and an add counted as two
   * @param bytes of the values read and written, each once
   */
  public record Row(
      String node,
      String op,
      List<String> inputs,
      List<String> outputs,
      Precision precision,
      String implementation,
      List<Candidate> candidates,
      List<String> notes,
      long flops,
      long bytes) {
    /** Copies the lists. */
    public Row {
      inputs = List.copyOf(inputs);
      outputs = List.copyOf(outputs);
      candidates = List.copyOf(candidates);
      notes = List.copyOf(notes);
    }

    /** A row of nodes of one op, with operations and bytes counted here. */
    public static Row of(
        Node shown,
        List<Node> members,
        Precision precision,
        String implementation,
        List<Candidate> candidates,
        List<String> notes) {
      long flops = members.stream().mapToLong(Node::flops).sum();
      return new Row(
          shown.toString(),
          shown.op().name(),
          types(shown.inputs()),
          types(shown.outputs()),
          flops == 0 ? Precision.FLOAT32 : ofProducts(shown, precision),
          implementation,
          candidates,
          notes,
          flops,
          implementation.isEmpty() ? 0 : Node.bytes(members));
    }

    /** In bf16 those nodes are float32 whose factors are. */
    private static Precision ofProducts(Node node, Precision precision) {
      boolean halves =
          node.inputs().stream().anyMatch(value -> value.type().dtype() == DataType.BFLOAT16);
      return halves ? Precision.BF16 : precision == Precision.BF16 ? Precision.FLOAT32 : precision;
    }

    private static List<String> types(List<Value> values) {
      return values.stream().map(Value::type).map(TensorType::toString).toList();
    }

    /** Scratch memory of the chosen candidate. */
    public long workspaceBytes() {
      return candidates.stream()
          .filter(candidate -> candidate.verdict() == Verdict.CHOSEN)
          .mapToLong(Candidate::workspaceBytes)
          .sum();
    }

    /** Operations for each byte; 0 if nothing is moved. */
    public double intensity() {
      return bytes == 0 ? 0 : (double) flops / bytes;
    }

    /** What limits it on a device of these rates. */
    public Bound bound(Rates rates) {
      if (bytes == 0 && flops == 0) {
        return Bound.NOTHING;
      }
      if (flops == 0) {
        return Bound.MEMORY;
      }
      double compute = flops / rates.peakFlops(precision);
      double memory = bytes / rates.copyBytesPerSecond();
      if (Double.isNaN(compute) || Double.isNaN(memory)) {
        return Bound.UNKNOWN;
      }
      return compute > memory ? Bound.COMPUTE : Bound.MEMORY;
    }

    /**
     * The shortest time in which a device of these rates could do it; NaN if not known, as of a
     * device without known peaks.
     */
    public double leastNanos(Rates rates) {
      if (rates.peakFlops().isEmpty()) {
        return Double.NaN;
      }
      double memory = bytes == 0 ? 0 : bytes / rates.copyBytesPerSecond();
      double compute = flops == 0 ? 0 : flops / rates.peakFlops(precision);
      return 1e9 * Math.max(memory, compute);
    }
  }

  /** Copies the list. */
  public Explanation {
    rows = List.copyOf(rows);
  }

  /** All operations. */
  public long flops() {
    return rows.stream().mapToLong(Row::flops).sum();
  }

  /** All bytes that are read and written. */
  public long bytes() {
    return rows.stream().mapToLong(Row::bytes).sum();
  }
}
