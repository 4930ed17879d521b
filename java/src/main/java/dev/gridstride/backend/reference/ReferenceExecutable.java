package dev.gridstride.backend.reference;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.HostTimer;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Timing;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A program as a list of kernels with memory of its own for every value that a node writes. */
final class ReferenceExecutable implements Executable {
  /** More than the last cache of most processors; this device is not there to be fast. */
  private static final int FLUSH_BYTES = 64 << 20;

  private static final String NOTE = "reference: loops for checking, not made to be fast";

  private final ReferenceSession session;
  private final Program program;
  private final Map<Value, Storage> computed = new HashMap<>();
  private final List<Step> steps = new ArrayList<>();
  private final long plannedBytes;
  private boolean closed;

  /**
   * A node ready to run.
   *
   * @param kernel computes the op
   * @param op the node's op
   * @param io inputs, and memory of the step's own for the outputs
   * @param targets where the outputs go afterwards: the same memory, or that of a persistent value
   */
  private record Step(Kernel<Op> kernel, Op op, Operands io, List<Storage> targets) {
    void run() {
      io.outputs().forEach(Storage::clear);
      kernel.run(op, io);
      for (int i = 0; i < targets.size(); i++) {
        if (targets.get(i) != io.outputs().get(i)) {
          targets.get(i).copyFrom(io.outputs().get(i));
        }
      }
    }
  }

  ReferenceExecutable(ReferenceSession session, Program program) {
    this.session = session;
    this.program = program;
    long bytes = 0;
    for (Node node : program.nodes()) {
      List<Storage> inputs = node.inputs().stream().map(this::storage).toList();
      List<Storage> results =
          node.outputs().stream().map(value -> session.allocate(value.type())).toList();
      for (int i = 0; i < results.size(); i++) {
        if (!node.output(i).role().persistent()) {
          computed.put(node.output(i), results.get(i));
        }
        bytes += results.get(i).bytes();
      }
      List<Storage> targets = node.outputs().stream().map(this::storage).toList();
      steps.add(new Step(Kernels.of(node), node.op(), new Operands(inputs, results), targets));
    }
    plannedBytes = bytes;
  }

  private Storage storage(Value value) {
    return value.role().persistent() ? session.storage(value) : computed.get(value);
  }

  @Override
  public void run() {
    checkOpen();
    steps.forEach(Step::run);
  }

  @Override
  public Timing time(TimingOptions options) {
    checkOpen();
    long[] flushed = new long[FLUSH_BYTES / Long.BYTES];
    return HostTimer.time(
        options, this::run, () -> Arrays.setAll(flushed, i -> flushed[i] + 1), NOTE);
  }

  @Override
  public Tensor read(Value output) {
    return result(output).read();
  }

  /** The memory of an output of the program. */
  Storage result(Value output) {
    checkOpen();
    if (!program.outputs().contains(output)) {
      throw new BackendException(
          "reference: "
              + output.name()
              + " is not an output of the program; its outputs are "
              + program.outputs().stream().map(Value::name).collect(Collectors.joining(", ")));
    }
    return storage(output);
  }

  @Override
  public long plannedBytes() {
    return plannedBytes;
  }

  @Override
  public String explain() {
    return program.nodes().stream()
        .map(node -> node + ": double loops, row-major")
        .collect(Collectors.joining("\n"));
  }

  @Override
  public Explanation explanation() {
    checkOpen();
    return new Explanation(program.nodes().stream().map(ReferenceExecutable::row).toList(), 0);
  }

  private static Explanation.Row row(Node node) {
    Explanation.Candidate loops =
        new Explanation.Candidate(
            "reference", Explanation.Verdict.CHOSEN, "double loops, row-major", 0);
    return Explanation.Row.of(
        node, List.of(node), Precision.FLOAT32, loops.name(), List.of(loops), List.of());
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.forget(this);
      steps.clear();
      computed.clear();
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new BackendException("reference: the executable is closed; compile the program again");
    }
  }
}
