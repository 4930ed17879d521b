package dev.gridstride.train;

import dev.gridstride.backend.Readings;

/**
 * Follows the running figures of an epoch some steps behind the device, which never waits: asks for
 * them from time to time and takes the answer when it has come. All figures are of the same moment.
 */
final class Follower implements Recent, AutoCloseable {
  private static final long NANOS_BETWEEN = 50_000_000;

  /** The scalars in the order in which they are followed; a net without hits leaves them out. */
  static final int CURSOR = 0;

  static final int LOSS_SUM = 1;
  static final int FIRST_BAD_STEP = 2;
  static final int HITS = 3;

  private final Readings readings;
  private final boolean hits;
  private final int samples;
  private final int batch;
  private long asked;
  private boolean open;
  private long epochCursor;
  private long beginCursor;
  private long beginNanos;

  /** Cursor of the last answer, and when it came. */
  private long cursor;

  private long nanos;

  Follower(Readings readings, boolean hits, int samples, int batch) {
    this.readings = readings;
    this.hits = hits;
    this.samples = samples;
    this.batch = batch;
  }

  /** Starts afresh: an epoch begins, or goes on after a resume. Waits for the device. */
  void beginEpoch(int epoch) {
    readings.await();
    readings.request();
    readings.await();
    open = false;
    epochCursor = (epoch - 1L) * samples;
    cursor = (long) readings.get(CURSOR);
    beginCursor = cursor;
    beginNanos = System.nanoTime();
    nanos = beginNanos;
    asked = beginNanos;
  }

  /** To be called after each launch of steps; never waits. */
  void look() {
    long now = System.nanoTime();
    if (open) {
      take(now);
    }
    if (!open && now - asked >= NANOS_BETWEEN) {
      readings.request();
      asked = now;
      open = true;
      take(now);
    }
  }

  private void take(long now) {
    if (readings.poll()) {
      open = false;
      cursor = (long) readings.get(CURSOR);
      nanos = now;
    }
  }

  /** First step whose loss was not finite as of the last answer, or -1. */
  long firstBadStep() {
    return (long) readings.get(FIRST_BAD_STEP);
  }

  private double position() {
    return cursor - epochCursor;
  }

  @Override
  public int stepInEpoch() {
    return (int) Math.ceil(position() / batch);
  }

  @Override
  public double loss() {
    return readings.get(LOSS_SUM) / position();
  }

  @Override
  public double accuracy() {
    return hits ? readings.get(HITS) / position() : Double.NaN;
  }

  @Override
  public double imagesPerSecond() {
    return 1e9 * (cursor - beginCursor) / (nanos - beginNanos);
  }

  @Override
  public void close() {
    readings.close();
  }
}
