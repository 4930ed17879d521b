package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Profile;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.events.KernelEvent;
import dev.gridstride.program.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ObjIntConsumer;

/**
 * Times a program's launches by events between them. Events cannot be read in a graph that is
 * replayed, so the launches are put on the stream one by one, and the graph is timed beside them as
 * a whole.
 */
final class StepTimer implements AutoCloseable {
  private final CudaStream stream;
  private final List<CudaExecutable.Step> steps;
  private final DataFeeds feeds;
  private final List<CudaEvent> marks = new ArrayList<>();
  private final double[] nanos;
  private final String note;

  StepTimer(
      CudaContext context, CudaStream stream, List<CudaExecutable.Step> steps, DataFeeds feeds) {
    this.stream = stream;
    this.steps = steps;
    this.feeds = feeds;
    note = context.device().driver().isSimulated() ? CudaTimer.SIMULATED : "";
    int launches = steps.stream().mapToInt(step -> step.actions().size()).sum();
    nanos = new double[launches];
    boolean complete = false;
    try {
      for (int i = 0; i <= Math.max(1, launches); i++) {
        marks.add(context.createTimingEvent());
      }
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  /**
   * Times so many runs by plain launches, the call of as many runs, and as many runs in a row.
   *
   * @param enqueue puts one step's action of this number on the stream
   * @param replay runs the program once as it is
   */
  Profile time(int runs, ObjIntConsumer<CudaExecutable.Step> enqueue, Runnable replay) {
    stream.synchronize();
    long start = System.nanoTime();
    for (int run = 0; run < runs; run++) {
      runTimed(enqueue);
    }
    double runNanos = (double) (System.nanoTime() - start) / runs;
    double hostNanos = hostNanos(runs, replay);
    stream.synchronize();
    marks.get(0).record(stream);
    for (int run = 0; run < runs; run++) {
      replay.run();
    }
    marks.get(1).record(stream);
    stream.synchronize();
    double replayNanos = marks.get(1).millisSince(marks.get(0)) * 1e6 / runs;
    return new Profile(runNanos, replayNanos, hostNanos, results(runs), note);
  }

  /** Median of a run's call, with nothing before it in the queue that it would wait for. */
  private double hostNanos(int runs, Runnable replay) {
    double[] nanos = new double[runs];
    for (int run = 0; run < runs; run++) {
      stream.synchronize();
      long start = System.nanoTime();
      replay.run();
      nanos[run] = System.nanoTime() - start;
    }
    Arrays.sort(nanos);
    return nanos[runs / 2];
  }

  private void runTimed(ObjIntConsumer<CudaExecutable.Step> enqueue) {
    int mark = 0;
    feeds.before(1);
    marks.get(mark++).record(stream);
    for (CudaExecutable.Step step : steps) {
      for (int i = 0; i < step.actions().size(); i++) {
        enqueue.accept(step, i);
        marks.get(mark++).record(stream);
      }
    }
    feeds.after(1);
    stream.synchronize();
    mark = 0;
    for (CudaExecutable.Step step : steps) {
      for (Command command : step.recorded().commands()) {
        double time = marks.get(mark + 1).millisSince(marks.get(mark)) * 1e6;
        nanos[mark++] += time;
        KernelEvent.timed(kernel(command), geometry(command), step.recorded().node(), time);
      }
    }
  }

  private List<Profile.Step> results(int runs) {
    List<Profile.Step> results = new ArrayList<>();
    int mark = 0;
    for (CudaExecutable.Step step : steps) {
      List<Profile.Launch> launches = new ArrayList<>();
      for (Command command : step.recorded().commands()) {
        launches.add(new Profile.Launch(kernel(command), geometry(command), nanos[mark++] / runs));
      }
      Node node = step.recorded().node();
      results.add(
          new Profile.Step(
              node.toString(),
              node.op().name(),
              Profile.Phase.of(node.op().name(), node.outputs()),
              Profile.Kind.PRIMITIVE,
              launches.stream().mapToDouble(Profile.Launch::nanos).sum(),
              step.recorded().members().stream().mapToLong(Node::flops).sum(),
              launches.isEmpty() ? 0 : Node.bytes(step.recorded().members()),
              launches));
    }
    return results;
  }

  private static String kernel(Command command) {
    if (command instanceof Command.Launch launch) {
      return launch.kernel();
    }
    if (command instanceof Command.Call) {
      return command.toString().split(", ", 2)[0];
    }
    return command instanceof Command.Copy ? "copy" : "clear";
  }

  private static String geometry(Command command) {
    if (command instanceof Command.Launch launch) {
      String shared = launch.sharedBytes() == 0 ? "" : ", " + launch.sharedBytes() + " bytes";
      return launch.grid() + ", " + launch.block() + shared;
    }
    if (command instanceof Command.Call) {
      String[] functionAndHow = command.toString().split(", ", 2);
      return functionAndHow.length == 1 ? "" : functionAndHow[1];
    }
    return command.toString();
  }

  @Override
  public void close() {
    marks.forEach(CudaEvent::close);
  }
}
