package dev.gridstride.backend;

/**
 * What a session has allocated.
 *
 * @param persistentBytes parameters, states, inputs and data
 * @param programBytes arenas and scratch memory of its executables
 * @param allocations number of allocations so far; it must not grow from step to step
 */
public record MemoryUse(long persistentBytes, long programBytes, long allocations) {
  /** All bytes. */
  public long bytes() {
    return persistentBytes + programBytes;
  }

  /** The sum of both. */
  public MemoryUse plus(MemoryUse more) {
    return new MemoryUse(
        persistentBytes + more.persistentBytes,
        programBytes + more.programBytes,
        allocations + more.allocations);
  }
}
