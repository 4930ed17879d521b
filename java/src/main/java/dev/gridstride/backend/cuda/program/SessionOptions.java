package dev.gridstride.backend.cuda.program;

/**
 * How a session keeps its memory and which kernels it loads.
 *
 * @param apart a buffer for each value, with its exact size, so that a checker sees where it ends;
 *     else what the programs keep lies in blocks, and the rest in a workspace in which values share
 *     memory when their lifetimes allow
 * @param guards zones around every buffer, examined after every node, and undefined memory filled
 *     with NaN before every run; needs {@code apart}
 * @param checked kernels with the checker's instrumentation; on the simulated device only
 * @param dataBytes device memory that data sets may take; what does not fit streams from the host
 */
record SessionOptions(boolean apart, boolean guards, boolean checked, long dataBytes) {
  /** As users run. */
  static final SessionOptions DEFAULT = new SessionOptions(false, false, false);

  /** Data sets may take what is free. */
  SessionOptions(boolean apart, boolean guards, boolean checked) {
    this(apart, guards, checked, Long.MAX_VALUE);
  }

  SessionOptions {
    if (guards && !apart) {
      throw new IllegalArgumentException("guards need values apart");
    }
  }

  /** The same with this much memory for data sets. */
  SessionOptions withDataBytes(long bytes) {
    return new SessionOptions(apart, guards, checked, bytes);
  }
}
