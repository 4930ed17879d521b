package dev.gridstride.backend.cuda.program;

import dev.gridstride.files.CacheFolder;
import dev.gridstride.program.Node;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

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
 * @param dispatch where implementations come from
 */
record SessionOptions(
    boolean apart, boolean guards, boolean checked, long dataBytes, Dispatch dispatch) {
  /**
   * Where implementations come from.
   *
   * @param folder of the files of measured times
   * @param table all implementations of a node's op
   * @param forced says who computes a node, if it takes it, whatever was measured; or null
   */
  record Dispatch(
      Path folder, Function<Node, List<Implementation>> table, Candidates.Winners forced) {
    /** As users run. */
    static Dispatch plain() {
      return new Dispatch(CacheFolder.get().resolve("tuned"), Lowerings::of, null);
    }
  }

  /** As users run. */
  static final SessionOptions DEFAULT = new SessionOptions(false, false, false);

  /** Data sets may take what is free. */
  SessionOptions(boolean apart, boolean guards, boolean checked) {
    this(apart, guards, checked, Long.MAX_VALUE, Dispatch.plain());
  }

  SessionOptions {
    if (guards && !apart) {
      throw new IllegalArgumentException("guards need values apart");
    }
  }

  /** The same with this much memory for data sets. */
  SessionOptions withDataBytes(long bytes) {
    return new SessionOptions(apart, guards, checked, bytes, dispatch);
  }

  /** The same with other implementations. */
  SessionOptions withDispatch(Dispatch other) {
    return new SessionOptions(apart, guards, checked, dataBytes, other);
  }
}
