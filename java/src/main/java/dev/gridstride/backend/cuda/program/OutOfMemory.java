package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaException;
import java.util.Collection;
import java.util.Comparator;
import java.util.stream.Collectors;

/** Says what did not fit and what is large. */
final class OutOfMemory {
  private static final int LARGEST = 5;

  private OutOfMemory() {}

  /** Whether a call failed because device memory ran out. */
  static boolean is(CudaException error) {
    return error.codeName().equals("CUDA_ERROR_OUT_OF_MEMORY");
  }

  /**
   * The error for a user.
   *
   * @param what did not fit
   * @param wanted its size in bytes
   * @param memories among which the largest are named
   */
  static BackendException explain(
      CudaException cause,
      CudaContext context,
      String what,
      long wanted,
      Collection<Place.Memory> memories) {
    String largest =
        memories.stream()
            .sorted(Comparator.comparingLong((Place.Memory memory) -> memory.bytes).reversed())
            .limit(LARGEST)
            .map(memory -> memory.name + " (" + memory.bytes + " bytes)")
            .collect(Collectors.joining(", "));
    return new BackendException(
        "out of device memory: "
            + what
            + " needs "
            + wanted
            + " bytes, "
            + context.freeBytes()
            + " are free; the largest values are "
            + largest
            + "; a smaller batch needs less ("
            + cause.getMessage()
            + ")",
        cause);
  }
}
