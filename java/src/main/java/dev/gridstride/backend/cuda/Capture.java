package dev.gridstride.backend.cuda;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** What takes part in the recording of a graph. */
final class Capture {
  private final List<CudaStream> streams = new ArrayList<>();
  private final Set<Handle> memory = Collections.newSetFromMap(new IdentityHashMap<>());

  void add(CudaStream stream) {
    streams.add(stream);
  }

  void uses(Handle used) {
    memory.add(used);
  }

  /** The memory that the recorded work uses. */
  Handle[] memory() {
    return memory.toArray(new Handle[0]);
  }

  /** Whether the recording goes on. */
  boolean isOpen() {
    return !streams.isEmpty();
  }

  void end() {
    streams.forEach(CudaStream::leaveCapture);
    streams.clear();
  }
}
