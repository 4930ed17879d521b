package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.backend.OutOfDeviceMemoryException.Large;
import dev.gridstride.backend.OutOfDeviceMemoryException.Occupancy;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaException;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Says what did not fit and what is large. */
final class OutOfMemory {
  private static final int LARGEST = 5;

  /** Pages of a card's memory; the simulated device has none. */
  private static final long PAGE = 2 << 20;

  private OutOfMemory() {}

  /** Whether something failed because device memory ran out. */
  static boolean is(Throwable error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof CudaException failed
          && failed.codeName().equals("CUDA_ERROR_OUT_OF_MEMORY")) {
        return true;
      }
    }
    return false;
  }

  /**
   * The error for a user.
   *
   * @param wanted what the program would have added
   * @param ownBytes what the session has without it
   * @param memories among which the largest are named
   */
  static BackendException explain(
      BackendException cause,
      CudaContext context,
      MemoryUse wanted,
      long ownBytes,
      Stream<Place.Memory> memories) {
    List<Large> largest =
        memories
            .sorted(Comparator.comparingLong((Place.Memory memory) -> memory.bytes).reversed())
            .limit(LARGEST)
            .map(memory -> new Large(memory.name, memory.bytes))
            .toList();
    try {
      Occupancy occupancy =
          new Occupancy(
              context.device().toString(),
              context.device().memoryBytes(),
              context.freeBytes(),
              ownBytes,
              context.device().driver().isSimulated() ? 0 : PAGE);
      return new OutOfDeviceMemoryException(wanted, occupancy, largest, cause);
    } catch (BackendException e) {
      cause.addSuppressed(e);
      return cause;
    }
  }
}
