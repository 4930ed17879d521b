package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CudaGraph;
import dev.gridstride.backend.cuda.CudaGraphExec;
import dev.gridstride.backend.cuda.CudaStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A program's work as graphs, each of which holds it once or several times over. A graph is
 * recorded when its number of steps is first asked for, and kept.
 */
final class StepGraphs implements AutoCloseable {
  /** Pieces of work in one graph; the driver keeps about a kilobyte for each. */
  private static final int MOST_NODES = 1 << 15;

  /** A graph of one step, and three more: a training loop needs its number and the epoch's rest. */
  private static final int MOST_GRAPHS = 4;

  private record Kept(int steps, CudaGraphExec graph) {}

  private final CudaStream stream;
  private final LaunchQueue queue;
  private final Consumer<CudaStream> step;
  private final DataFeeds feeds;
  private final int mostSteps;
  private final List<Kept> kept = new ArrayList<>();

  /**
   * Records a graph of one step.
   *
   * @param step puts the work of one step on the stream
   * @param feeds brings what the steps fetch from the host
   * @param nodes pieces of work in a step, at least one
   */
  StepGraphs(
      CudaStream stream, LaunchQueue queue, Consumer<CudaStream> step, DataFeeds feeds, int nodes) {
    this.stream = stream;
    this.queue = queue;
    this.step = step;
    this.feeds = feeds;
    mostSteps = Math.min(feeds.most(), Math.max(1, MOST_NODES / nodes));
    kept.add(record(1));
  }

  /** Puts so many steps on the stream. Makes no objects if it has been asked for as many before. */
  void launch(int steps) {
    for (int left = steps; left > 0; ) {
      Kept next = graph(Math.min(left, mostSteps));
      feeds.before(next.steps());
      next.graph().launch(stream);
      feeds.after(next.steps());
      queue.launched();
      left -= next.steps();
    }
  }

  /** The graph of so many steps, or if there are too many graphs already, the nearest of fewer. */
  private Kept graph(int steps) {
    Kept nearest = kept.get(0);
    for (int i = 0; i < kept.size(); i++) {
      Kept one = kept.get(i);
      if (one.steps() <= steps && one.steps() > nearest.steps()) {
        nearest = one;
      }
    }
    if (nearest.steps() == steps || kept.size() == MOST_GRAPHS) {
      return nearest;
    }
    Kept made = record(steps);
    kept.add(made);
    return made;
  }

  private Kept record(int steps) {
    boolean complete = false;
    try {
      stream.beginCapture();
      for (int i = 0; i < steps; i++) {
        step.accept(stream);
      }
      try (CudaGraph graph = stream.endCapture()) {
        Kept made = new Kept(steps, graph.instantiate());
        complete = true;
        return made;
      }
    } finally {
      if (!complete) {
        stream.abandonCapture();
      }
    }
  }

  /** Frees the graphs; launches of them must be done. */
  @Override
  public void close() {
    kept.forEach(one -> one.graph().close());
    kept.clear();
  }
}
