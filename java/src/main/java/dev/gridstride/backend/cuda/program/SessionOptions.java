package dev.gridstride.backend.cuda.program;

/**
 * How a session keeps its memory and which kernels it loads.
 *
 * @param apart a buffer for each value, with its exact size, so that a checker sees where it ends;
 *     else one arena a program, in which values share memory when their lifetimes allow
 * @param guards zones around every buffer, examined after every node, and undefined memory filled
 *     with NaN before every run; needs {@code apart}
 * @param checked kernels with the checker's instrumentation; on the simulated device only
 */
record SessionOptions(boolean apart, boolean guards, boolean checked) {
  /** As users run. */
  static final SessionOptions DEFAULT = new SessionOptions(false, false, false);

  SessionOptions {
    if (guards && !apart) {
      throw new IllegalArgumentException("guards need values apart");
    }
  }
}
