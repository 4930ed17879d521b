package dev.gridstride.backend.cpu;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.HostTimer;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Profile;
import dev.gridstride.backend.Timing;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;

/** A program as stages of kernels. */
final class CpuExecutable implements Executable {
  /** Kernels between two barriers, as one piece of work a part. */
  private static final class CompiledStage implements IntConsumer {
    final boolean parallel;
    final Step.Kernel[] kernels;
    private final int[] parts;

    CompiledStage(boolean parallel, Step.Kernel[] kernels, int[] parts) {
      this.parallel = parallel;
      this.kernels = kernels;
      this.parts = parts;
    }

    @Override
    public void accept(int part) {
      for (int i = 0; i < kernels.length; i++) {
        if (part < parts[i]) {
          kernels[i].run(part);
        }
      }
    }

    /** As {@link #accept}, adding each kernel's time to {@code nanos[kernel][part]}. */
    void timed(int part, long[][] nanos) {
      for (int i = 0; i < kernels.length; i++) {
        if (part < parts[i]) {
          long start = System.nanoTime();
          kernels[i].run(part);
          nanos[i][part] += System.nanoTime() - start;
        }
      }
    }
  }

  private final CpuSession session;
  private final Program program;
  private final Lowering lowering;
  private final ProgramMemory memory;
  private final List<Scheduler.Stage> plan;
  private final CompiledStage[] stages;
  private final Runnable runStages = this::runStages;
  private long fetchNanos;
  private boolean closed;

  /** Compiles; on worker 0 only. */
  CpuExecutable(CpuSession session, OneDnn oneDnn, WorkerTeam team, Program program) {
    this.session = session;
    this.program = program;
    lowering = new Lowering(oneDnn, program, team.size(), session::pinnedLayout);
    lowering.run();
    plan = Scheduler.schedule(lowering.steps());
    List<Step> order = plan.stream().flatMap(stage -> stage.steps().stream()).toList();
    List<Value> outputs = program.outputs().stream().map(lowering::wholeOf).toList();
    memory = new ProgramMemory(lowering, order, outputs, this::persistent);
    boolean complete = false;
    try {
      stages = plan.stream().map(this::compile).toArray(CompiledStage[]::new);
      complete = true;
    } finally {
      if (!complete) {
        memory.close();
      }
    }
  }

  private Storage persistent(Value value, Layout layout) {
    return session.storage(value, layout, lowering.sharding());
  }

  private CompiledStage compile(Scheduler.Stage stage) {
    Step.Kernel[] kernels = new Step.Kernel[stage.steps().size()];
    int[] parts = new int[kernels.length];
    for (int i = 0; i < kernels.length; i++) {
      Step step = stage.steps().get(i);
      Step.Kernel kernel = step.builder().build(memory);
      kernels[i] = step.name().equals(Step.FETCH) ? timed(kernel) : kernel;
      parts[i] = lowering.parts(step.mode());
    }
    return new CompiledStage(stage.parallel(), kernels, parts);
  }

  private Step.Kernel timed(Step.Kernel kernel) {
    return part -> {
      long start = System.nanoTime();
      kernel.run(part);
      if (part == 0) {
        fetchNanos += System.nanoTime() - start;
      }
    };
  }

  private void runStages() {
    for (CompiledStage stage : stages) {
      if (stage.parallel) {
        session.team().runAll(stage);
      } else {
        stage.accept(0);
      }
    }
  }

  @Override
  public Profile profile(int runs) {
    checkOpen();
    long[][][] nanos = new long[stages.length][][];
    for (int s = 0; s < stages.length; s++) {
      nanos[s] = new long[stages[s].kernels.length][lowering.workers()];
    }
    long start = System.nanoTime();
    for (int run = 0; run < runs; run++) {
      session.team().drive(() -> runTimed(nanos));
    }
    double timed = System.nanoTime() - start;
    start = System.nanoTime();
    for (int run = 0; run < runs; run++) {
      run();
    }
    double plain = System.nanoTime() - start;
    List<Profile.Step> steps = new ArrayList<>();
    for (int s = 0; s < stages.length; s++) {
      for (int i = 0; i < nanos[s].length; i++) {
        double slowest = Arrays.stream(nanos[s][i]).max().orElse(0);
        steps.add(plan.get(s).steps().get(i).profiled(slowest / runs));
      }
    }
    return new Profile(timed / runs, plain / runs, Double.NaN, steps, "");
  }

  private void runTimed(long[][][] nanos) {
    for (int s = 0; s < stages.length; s++) {
      CompiledStage stage = stages[s];
      long[][] times = nanos[s];
      if (stage.parallel) {
        session.team().runAll(part -> stage.timed(part, times));
      } else {
        stage.timed(0, times);
      }
    }
  }

  @Override
  public Timing time(TimingOptions options) {
    checkOpen();
    if (options.cache() == TimingOptions.Cache.WARM) {
      return HostTimer.time(options, this::run, () -> {}, "");
    }
    try (Caches caches = new Caches(session.team())) {
      return HostTimer.time(options, this::run, caches::empty, "");
    }
  }

  @Override
  public void run() {
    checkOpen();
    session.team().drive(runStages);
  }

  @Override
  public Tensor read(Value output) {
    checkOpen();
    if (!program.outputs().contains(output)) {
      throw new BackendException(
          "cpu: "
              + output.name()
              + " is not an output of the program; its outputs are "
              + program.outputs());
    }
    if (output.role().persistent()) {
      return session.read(output);
    }
    Storage storage = memory.of(lowering.wholeOf(output));
    Tensor result = Tensor.zeros(output.type());
    session.team().drive(() -> readInto(storage, output, result));
    return result;
  }

  private void readInto(Storage storage, Value output, Tensor result) {
    if (storage.inHeap()) {
      storage.heap.copyTo(result);
      return;
    }
    int offset = 0;
    for (int part = 0; part < storage.pointers.length; part++) {
      Shape shape = lowering.partShape(output, Step.Mode.SHARDED, part);
      int length = Math.toIntExact(shape.elements());
      FloatBuffer plain = session.toPlain(storage, part, shape);
      plain.get(0, result.floats(), offset, length);
      offset += length;
    }
  }

  @Override
  public long fetchNanos() {
    return fetchNanos;
  }

  @Override
  public long plannedBytes() {
    return memory.bytes();
  }

  @Override
  public String explain() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < plan.size(); i++) {
      Scheduler.Stage stage = plan.get(i);
      text.append("stage ")
          .append(i)
          .append(
              stage.parallel()
                  ? ": all "
                      + lowering.workers()
                      + " workers, "
                      + lowering.sharding().shards()
                      + " shards"
                  : ": one worker")
          .append('\n');
      for (Step step : stage.steps()) {
        text.append("  ").append(step.name());
        for (Value value : step.writes()) {
          if (!Lowering.inHeap(value)) {
            text.append(" -> ").append(value).append(' ').append(lowering.layout(value));
          }
        }
        text.append('\n');
      }
    }
    return text.toString();
  }

  @Override
  public Explanation explanation() {
    checkOpen();
    List<Explanation.Row> rows = new ArrayList<>();
    lowering.stepsOf().forEach((node, steps) -> rows.add(row(node, steps)));
    return new Explanation(rows, memory.bytes());
  }

  /** By oneDNN if any of its steps is. */
  private Explanation.Row row(Node node, List<Step> steps) {
    boolean primitive = steps.stream().anyMatch(step -> step.kind() == Profile.Kind.PRIMITIVE);
    String name = steps.isEmpty() ? "" : primitive ? "onednn" : "java";
    String how = steps.stream().map(Step::name).collect(Collectors.joining(" + "));
    List<String> layouts =
        node.outputs().stream()
            .filter(value -> !Lowering.inHeap(value) && lowering.layouts().containsKey(value))
            .map(value -> value.name() + " " + lowering.layout(value))
            .toList();
    return Explanation.Row.of(
        node,
        List.of(node),
        Precision.FLOAT32,
        name,
        steps.isEmpty()
            ? List.of()
            : List.of(new Explanation.Candidate(name, Explanation.Verdict.CHOSEN, how, 0)),
        layouts);
  }

  private void checkOpen() {
    if (closed) {
      throw new BackendException("cpu: program used after it was closed");
    }
  }

  long bytes() {
    return memory.bytes();
  }

  int allocations() {
    return memory.allocations();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      memory.close();
      session.forget(this);
    }
  }
}
