package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.program.Node;
import dev.gridstride.program.Value;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Keeps the rings that a program fetches from ahead of its launches: before one, the rows that it
 * needs are on their way and the stream waits for them; after it, the rows that follow are read.
 */
final class DataFeeds implements AutoCloseable {
  /**
   * One fetch of the program.
   *
   * @param node the fetch
   * @param cursor where it fetches
   * @param before how much a run adds to the cursor before the fetch
   * @param perRun how much a run adds in all
   * @param batch rows of a fetch
   */
  record Feed(Node node, RowRing ring, Cursors.Cursor cursor, long before, long perRun, int batch) {
    /** The first row of the next so many runs. */
    private long first(int runs) {
      return cursor.value() + before + Math.min(0, perRun * (runs - 1));
    }

    /** How many rows from the first on hold those of so many runs. */
    private long rows(int runs) {
      return Math.abs(perRun) * (runs - 1) + batch;
    }

    private int most() {
      int runs = 1;
      while (perRun != 0 && ring.size().takes(rows(runs + 1))) {
        runs++;
      }
      return perRun == 0 ? Integer.MAX_VALUE : runs;
    }
  }

  private final List<Feed> feeds;
  private final Cursors.Changes changes;
  private final CudaStream stream;
  private final int most;
  private final ToDoubleFunction<Value> device;
  private final Runnable release;

  /**
   * The feeds of a program.
   *
   * @param changes what a run does to the cursors of its session
   * @param device reads a scalar from it
   * @param release gives the rings back
   */
  DataFeeds(
      List<Feed> feeds,
      Cursors.Changes changes,
      CudaStream stream,
      ToDoubleFunction<Value> device,
      Runnable release) {
    this.feeds = List.copyOf(feeds);
    this.changes = changes;
    this.stream = stream;
    this.device = device;
    this.release = release;
    most = feeds.stream().mapToInt(Feed::most).min().orElse(Integer.MAX_VALUE);
  }

  /** How many runs one launch may hold. */
  int most() {
    return most;
  }

  /** To be called before so many runs are put into the stream. */
  void before(int runs) {
    for (int i = 0; i < feeds.size(); i++) {
      Feed feed = feeds.get(i);
      if (!feed.cursor.known()) {
        feed.cursor.set((long) device.applyAsDouble(feed.node.input(DataStreams.CURSOR)));
      }
      feed.ring.load(feed.first(runs), feed.rows(runs), stream);
    }
  }

  /** To be called after they were put into the stream. */
  void after(int runs) {
    for (int i = 0; i < feeds.size(); i++) {
      Feed feed = feeds.get(i);
      feed.ring.used(feed.first(runs), feed.rows(runs), stream);
    }
    changes.add(runs);
    for (int i = 0; i < feeds.size(); i++) {
      Feed feed = feeds.get(i);
      feed.ring.readAhead(feed.cursor.value() + feed.before);
    }
  }

  /** How a node's rows come, to be added to its line; empty if it fetches none from the host. */
  String explain(Node node) {
    return feeds.stream()
        .filter(feed -> feed.node.equals(node))
        .map(feed -> "; " + feed.ring.describe())
        .collect(Collectors.joining());
  }

  /** Gives the rings back; launches that read them must be done. */
  @Override
  public void close() {
    release.run();
  }
}
