package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Profile;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaException;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.PreparedLaunch;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A program as launches on the session's stream, in node order. */
final class CudaExecutable implements Executable {
  /** Something that is ready to be put on the stream. */
  @FunctionalInterface
  private interface Action {
    void enqueue(CudaStream stream);
  }

  private record Step(Recording.Step recorded, List<Action> actions) {
    void enqueue(CudaStream stream) {
      for (Action action : actions) {
        action.enqueue(stream);
      }
    }
  }

  private final CudaSession session;
  private final Program program;
  private final Recording recording;
  private final DeviceMemory memory;
  private final CudaStream stream;
  private final List<Step> steps = new ArrayList<>();
  private final long bytes;
  private final int allocations;
  private boolean closed;

  CudaExecutable(CudaSession session, Program program, Recording recording) {
    this.session = session;
    this.program = program;
    this.recording = recording;
    stream = session.stream();
    memory = new DeviceMemory(session.context(), session.options().guards());
    boolean complete = false;
    try {
      allocate();
      recording.steps().forEach(step -> steps.add(prepare(step)));
      stream.synchronize();
      complete = true;
    } finally {
      if (!complete) {
        memory.close();
      }
    }
    bytes = memory.bytes();
    allocations = memory.allocations();
  }

  private void allocate() {
    try {
      if (session.options().apart()) {
        memory.apart(recording.memories(), stream);
        recording.steps().forEach(step -> memory.apart(step.scratches(), stream));
      } else {
        memory.together(recording.arenaOffsets(), recording.arenaBytes(), "arena");
        memory.together(recording.scratchOffsets(), recording.scratchBytes(), "scratch");
      }
      memory.apart(recording.constants().keySet(), stream);
    } catch (CudaException e) {
      long wanted = recording.arenaBytes() + recording.scratchBytes();
      throw OutOfMemory.is(e)
          ? OutOfMemory.explain(e, session.context(), "the program", wanted, recording.memories())
          : e;
    }
    recording.constants().forEach((constant, values) -> constant.buffer().write(values));
  }

  private Step prepare(Recording.Step step) {
    return new Step(step, step.commands().stream().map(this::prepare).toList());
  }

  private Action prepare(Command command) {
    if (command instanceof Command.Launch launch) {
      PreparedLaunch prepared =
          session
              .kernel(launch.file(), launch.kernel())
              .prepare(
                  launch.grid(),
                  launch.block(),
                  launch.sharedBytes(),
                  launch.args().stream()
                      .map(arg -> arg instanceof Place place ? place.buffer() : arg)
                      .toArray());
      return prepared::launch;
    } else if (command instanceof Command.Copy copy) {
      DeviceBuffer to = copy.to().buffer().slice(0, copy.bytes());
      DeviceBuffer from = copy.from().buffer().slice(0, copy.bytes());
      return s -> to.copyFrom(from, s);
    }
    Command.Clear clear = (Command.Clear) command;
    DeviceBuffer place = clear.place().buffer().slice(0, clear.bytes());
    return s -> place.fill((byte) 0, s);
  }

  @Override
  public void run() {
    checkOpen();
    if (session.options().guards()) {
      runGuarded();
      return;
    }
    for (Step step : steps) {
      step.enqueue(stream);
    }
  }

  /** Node by node, each waited for and its surroundings looked at. */
  private void runGuarded() {
    DeviceMemory.poison(recording.memories(), stream);
    for (Step step : steps) {
      DeviceMemory.poison(step.recorded().scratches(), stream);
      Node node = step.recorded().node();
      try {
        step.enqueue(stream);
        stream.synchronize();
      } catch (BackendException e) {
        throw new BackendException(session.name() + ": in " + node + ": " + e.getMessage(), e);
      }
      memory.checkGuards(node);
      session.checkGuards(node);
    }
  }

  @Override
  public Profile profile(int runs) {
    checkOpen();
    List<CudaEvent> marks = new ArrayList<>();
    try {
      for (int i = 0; i <= steps.size(); i++) {
        marks.add(session.context().createTimingEvent());
      }
      double[] nanos = new double[steps.size()];
      stream.synchronize();
      long start = System.nanoTime();
      for (int run = 0; run < runs; run++) {
        runTimed(marks, nanos);
      }
      double total = System.nanoTime() - start;
      List<Profile.Step> result = new ArrayList<>();
      for (int i = 0; i < nanos.length; i++) {
        String name = steps.get(i).recorded().node().toString();
        result.add(new Profile.Step(name, Profile.Kind.PRIMITIVE, nanos[i] / runs));
      }
      return new Profile(total / runs, result);
    } finally {
      marks.forEach(CudaEvent::close);
    }
  }

  private void runTimed(List<CudaEvent> marks, double[] nanos) {
    marks.get(0).record(stream);
    for (int i = 0; i < steps.size(); i++) {
      steps.get(i).enqueue(stream);
      marks.get(i + 1).record(stream);
    }
    stream.synchronize();
    for (int i = 0; i < nanos.length; i++) {
      nanos[i] += marks.get(i + 1).millisSince(marks.get(i)) * 1e6;
    }
  }

  @Override
  public Tensor read(Value output) {
    checkOpen();
    if (!program.outputs().contains(output)) {
      throw new BackendException(
          session.name()
              + ": "
              + output.name()
              + " is not an output of the program; its outputs are "
              + program.outputs().stream().map(Value::name).collect(Collectors.joining(", ")));
    }
    if (output.role().persistent()) {
      return session.read(output);
    }
    stream.synchronize();
    return session.transfer().read(recording.memory(output).buffer(), output.type());
  }

  @Override
  public long plannedBytes() {
    return bytes;
  }

  int allocations() {
    return allocations;
  }

  @Override
  public String explain() {
    return steps.stream().map(step -> explain(step.recorded())).collect(Collectors.joining("\n"));
  }

  private static String explain(Recording.Step step) {
    String how =
        step.commands().isEmpty()
            ? "view, nothing moves"
            : step.commands().stream().map(Object::toString).collect(Collectors.joining(" + "));
    String layouts =
        step.node().outputs().stream()
            .map(value -> Layout.describe(value.shape()))
            .distinct()
            .collect(Collectors.joining(", "));
    String scratch =
        step.scratches().isEmpty() ? "" : ", " + step.scratchBytes() + " bytes of scratch";
    return step.node() + ": " + how + "; " + layouts + scratch;
  }

  private void checkOpen() {
    if (closed) {
      throw new BackendException(
          session.name() + ": the executable is closed; compile the program again");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.forget(this);
      session.settle();
      steps.clear();
      memory.close();
    }
  }
}
