package dev.gridstride.backend;

import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;

/** A compiled program, run many times. Not thread-safe. */
public interface Executable extends AutoCloseable {
  /**
   * Runs the program once. It has finished when the call returns, or at the latest when a value is
   * read.
   *
   * @throws BackendException if the device failed; the session is then unusable
   */
  void run();

  /**
   * Runs the program so many times in a row, as that many calls of {@link #run()} would. A device
   * may need less time for it, since the host does not come in between.
   *
   * @throws IllegalArgumentException if {@code times} is not positive
   * @throws BackendException as {@link #run()}
   */
  default void run(int times) {
    if (times < 1) {
      throw new IllegalArgumentException("run: times must be at least 1, got " + times);
    }
    for (int i = 0; i < times; i++) {
      run();
    }
  }

  /**
   * Reads an output of the program in row-major order, as the last run left it.
   *
   * @throws BackendException if it is not among the program's outputs
   */
  Tensor read(Value output);

  /**
   * Nanoseconds that runs so far have spent on fetching batches, as far as the device knows; never
   * decreases.
   */
  default long fetchNanos() {
    return 0;
  }

  /** Size of the arena and scratch memory in bytes. */
  long plannedBytes();

  /** A line a node: which implementation runs it, in which layout, and why. */
  String explain();

  /**
   * The same as data, with what each node costs. On CUDA devices every implementation of every op
   * is asked whether it would take the node, for which libraries may be loaded.
   */
  Explanation explanation();

  /**
   * Runs the program some times with a clock round every step, and as many times or twice as many
   * without. The runs count like any other: counters advance and weights change.
   *
   * @param runs at least 1
   * @throws BackendException if the device cannot tell, which is the default
   */
  default Profile profile(int runs) {
    throw new BackendException(
        "this device has no profile of its steps; cuda, cpu and sim have one");
  }

  /**
   * Times the program on its device, a sample at a time, until their noise is low. Where the host
   * hands work to a device, its own time is no part of it and is measured apart. The runs count
   * like any other: counters advance and weights change.
   *
   * @throws BackendException if the device cannot tell, which is the default
   */
  default Timing time(TimingOptions options) {
    throw new BackendException("this device times no programs; cuda, cpu, sim and reference do");
  }

  /** Frees the program's memory; persistent values stay. Never throws. */
  @Override
  void close();
}
