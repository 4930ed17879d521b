package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaStream;

/**
 * Keeps the host ahead of the device, so that the device never waits, but not far ahead: after
 * every few launches it waits for the launches before those. A few are so many as take about a
 * hundredth to a tenth of a second, but at least one and at most {@link #MOST}, so that an
 * interrupt takes effect soon. Makes no objects.
 */
final class LaunchQueue {
  /** The host is never more than twice as many launches ahead. */
  static final int MOST = 32;

  private static final long SOON_NANOS = 10_000_000;
  private static final long LATE_NANOS = 100_000_000;

  private final CudaStream stream;
  private CudaEvent mark;
  private CudaEvent markBefore;
  private long marked = System.nanoTime();
  private int interval = 1;
  private int launches;

  LaunchQueue(CudaContext context, CudaStream stream) {
    this.stream = stream;
    mark = context.createEvent();
    markBefore = context.createEvent();
  }

  /** To be called after each launch; may wait for earlier ones, whose errors surface here. */
  void launched() {
    launches++;
    if (launches < interval) {
      return;
    }
    launches = 0;
    CudaEvent before = mark;
    mark = markBefore;
    markBefore = before;
    mark.record(stream);
    markBefore.synchronize();
    long now = System.nanoTime();
    if (now - marked < SOON_NANOS) {
      interval = Math.min(MOST, 2 * interval);
    } else if (now - marked > LATE_NANOS) {
      interval = Math.max(1, interval / 2);
    }
    marked = now;
  }
}
