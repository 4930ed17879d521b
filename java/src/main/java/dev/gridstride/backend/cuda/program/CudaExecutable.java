package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.Profile;
import dev.gridstride.backend.Timing;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.backend.cuda.CardClocks;
import dev.gridstride.backend.cuda.CudaContext;
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
import java.util.stream.Stream;

/**
 * A program as launches on the session's stream, in node order: recorded once, when it is compiled,
 * and replayed with one launch of a graph a run. Nothing in a run differs from the one before.
 */
final class CudaExecutable implements Executable {
  /** Something that is ready to be put on the stream. */
  @FunctionalInterface
  interface Action {
    void enqueue(CudaStream stream);
  }

  /** A node and its actions, one for each of its commands. */
  record Step(Recording.Step recorded, List<Action> actions) {
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
  private final DataFeeds feeds;
  private final List<Step> steps = new ArrayList<>();

  /** Null if there is nothing to do, or if every node is to be looked at. */
  private final StepGraphs graphs;

  /** Null if there is nothing in it, or if values are apart. */
  private Workspaces.Workspace workspace;

  private long runs;
  private boolean closed;

  /**
   * Allocates and records.
   *
   * @param feeds closed with this
   */
  CudaExecutable(CudaSession session, Program program, Recording recording, DataFeeds feeds) {
    this.session = session;
    this.feeds = feeds;
    this.program = program;
    this.recording = recording;
    stream = session.stream();
    memory = new DeviceMemory(session.context(), session.options().guards());
    boolean complete = false;
    try {
      allocate();
      recording.steps().forEach(step -> steps.add(prepare(step)));
      stream.synchronize();
      graphs =
          commands() == 0 || session.options().guards()
              ? null
              : new StepGraphs(stream, session.queue(), this::enqueue, feeds, commands());
      complete = true;
    } finally {
      if (!complete) {
        session.settle();
        free();
      }
    }
  }

  private int commands() {
    return steps.stream().mapToInt(step -> step.actions().size()).sum();
  }

  private void free() {
    if (workspace != null) {
      session.workspaces().giveBack(workspace);
    }
    memory.close();
    recording.close();
    feeds.close();
  }

  private void allocate() {
    if (session.options().apart()) {
      memory.apart(recording.memories(), stream);
      recording.steps().forEach(step -> memory.apart(step.scratches(), stream));
      memory.apart(recording.constants().keySet(), stream);
    } else {
      if (recording.workspace().bytes() > 0) {
        workspace = session.workspaces().take(recording.workspace().bytes());
        recording.workspace().bind(workspace.buffer());
      }
      if (recording.own().bytes() > 0) {
        memory.together(recording.own());
      }
    }
    recording.constants().forEach((constant, values) -> constant.buffer().write(values));
  }

  private Step prepare(Recording.Step step) {
    try {
      return new Step(step, step.commands().stream().map(this::prepare).toList());
    } catch (BackendException e) {
      throw inNode(step.node(), e);
    }
  }

  private Action prepare(Command command) {
    if (command instanceof Command.Launch launch) {
      PreparedLaunch prepared =
          session
              .kernel(launch.code(), launch.kernel())
              .prepare(
                  launch.grid(),
                  launch.block(),
                  launch.sharedBytes(),
                  launch.args().stream()
                      .map(arg -> arg instanceof Place place ? place.buffer() : arg)
                      .toArray());
      return prepared::launch;
    }
    if (command instanceof Command.Copy copy) {
      DeviceBuffer to = copy.to().buffer().slice(0, copy.bytes());
      DeviceBuffer from = copy.from().buffer().slice(0, copy.bytes());
      return s -> to.copyFrom(from, s);
    }
    if (command instanceof Command.Call call) {
      DeviceBuffer[] buffers =
          call.places().stream().map(Place::buffer).toArray(DeviceBuffer[]::new);
      return s -> call.call().enqueue(s, buffers);
    }
    Command.Clear clear = (Command.Clear) command;
    DeviceBuffer place = clear.place().buffer().slice(0, clear.bytes());
    return s -> place.fill((byte) 0, s);
  }

  @Override
  public void run() {
    run(1);
  }

  @Override
  public void run(int times) {
    if (times < 1) {
      throw new IllegalArgumentException("run: times must be at least 1, got " + times);
    }
    checkOpen();
    if (session.options().guards()) {
      for (int i = 0; i < times; i++) {
        runGuarded();
      }
    } else if (graphs != null) {
      session.runs(this);
      runs += times;
      try {
        graphs.launch(times);
      } catch (BackendException e) {
        throw session.during(e);
      }
    }
  }

  /** Puts the work of one run on a stream. */
  private void enqueue(CudaStream to) {
    for (Step step : steps) {
      try {
        step.enqueue(to);
      } catch (BackendException e) {
        throw inNode(step.recorded().node(), e);
      }
    }
  }

  /** Node by node, each waited for and its surroundings looked at. */
  private void runGuarded() {
    feeds.before(1);
    DeviceMemory.poison(recording.memories(), stream);
    for (Step step : steps) {
      DeviceMemory.poison(step.recorded().scratches(), stream);
      Node node = step.recorded().node();
      try {
        step.enqueue(stream);
        stream.synchronize();
      } catch (BackendException e) {
        throw inNode(node, e);
      }
      memory.checkGuards(node);
      session.checkGuards(node);
    }
    feeds.after(1);
  }

  private BackendException inNode(Node node, BackendException e) {
    return new BackendException(
        session.name() + ": in " + Describe.node(node) + ": " + e.getMessage(), e);
  }

  /**
   * Which run this is and where in it {@code error} may be: in the nodes whose kernel it names, or
   * else anywhere between the first and the last.
   */
  String describeRun(BackendException error) {
    String named =
        steps.stream()
            .filter(step -> step.recorded().commands().stream().anyMatch(c -> names(error, c)))
            .map(step -> Describe.node(step.recorded().node()))
            .collect(Collectors.joining(", or "));
    return "run "
        + runs
        + " of "
        + Describe.program(program)
        + (named.isEmpty() ? "" : ", in " + named);
  }

  private static boolean names(BackendException error, Command command) {
    return command instanceof Command.Launch launch && error.getMessage().contains(launch.kernel());
  }

  @Override
  public Profile profile(int runs) {
    if (runs < 1) {
      throw new IllegalArgumentException("profile: runs must be at least 1, got " + runs);
    }
    checkOpen();
    session.runs(this);
    try (StepTimer timer = new StepTimer(session.context(), stream, steps, feeds)) {
      return timer.time(runs, this::enqueue, this::run);
    } catch (CudaException e) {
      throw session.during(e);
    }
  }

  @Override
  public Timing time(TimingOptions options) {
    checkOpen();
    if (graphs == null) {
      throw new BackendException(
          session.name()
              + ": "
              + Describe.program(program)
              + " cannot be timed: "
              + (session.options().guards()
                  ? "each of its nodes is looked at"
                  : "it has nothing to run"));
    }
    session.runs(this);
    CudaContext context = session.context();
    CardClocks clocks = CardClocks.of(context.device());
    CudaTimer.Work work = new CudaTimer.Work(commands(), this::enqueue, this::run, feeds);
    try (CudaTimer timer = new CudaTimer(context, stream, work, clocks)) {
      return timer.time(options);
    } catch (CudaException e) {
      throw session.during(e);
    }
  }

  private void enqueue(Step step, int action) {
    try {
      step.actions().get(action).enqueue(stream);
    } catch (BackendException e) {
      throw inNode(step.recorded().node(), e);
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
    try {
      return session
          .transfer()
          .read(recording.memory(output).buffer(), output.type(), recording.stored(output));
    } catch (BackendException e) {
      throw session.failed("reading " + output, e);
    }
  }

  @Override
  public long plannedBytes() {
    return ownBytes() + (workspace == null ? 0 : recording.workspace().bytes());
  }

  int allocations() {
    return memory.allocations();
  }

  /** Bytes that no other program has a use for. */
  long ownBytes() {
    return memory.bytes();
  }

  @Override
  public String explain() {
    return steps.stream()
        .map(
            step ->
                Explainer.line(recording, step.recorded()) + feeds.explain(step.recorded().node()))
        .collect(Collectors.joining("\n"));
  }

  @Override
  public Explanation explanation() {
    checkOpen();
    return Explainer.explain(
        recording, session.precision(), session.selection(), node -> feeds.explain(node));
  }

  /** What the nodes do, in order. */
  Stream<Recording.Step> recorded() {
    return recording.steps().stream();
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
      session.settle();
      session.forget(this);
      if (graphs != null) {
        graphs.close();
      }
      steps.clear();
      free();
    }
  }
}
