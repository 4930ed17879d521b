package dev.gridstride.backend;

import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import dev.gridstride.program.pass.MemoryPlan;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An open device with the persistent values of one or more programs. Parameters and states of the
 * same name are one piece of memory in all programs of a session, so a training, an evaluation and
 * a prediction program work on the same weights.
 *
 * <p>Not thread-safe: one thread at a time. Closing it closes its executables.
 */
public interface Session extends AutoCloseable {
  /** What the name of a fact begins with that says which image of a kernel file is used. */
  String IMAGE = "image.";

  /** Device and implementation in one line, for the user to see what runs. */
  String description();

  /**
   * Compiles a program.
   *
   * @throws OutOfDeviceMemoryException if the device's memory runs out; nothing of the program is
   *     kept
   * @throws BackendException if an op, shape or attribute is not supported
   */
  Executable compile(Program program);

  /**
   * What compiling these programs, one after another, would add to {@link #memoryUse}. Allocates
   * nothing on the device. By default an estimate that takes every value as row-major and knows
   * nothing of what the session has already.
   *
   * @throws BackendException as {@link #compile}, but not because memory runs out
   */
  default MemoryUse plan(List<Program> programs) {
    Map<String, Long> persistent = new HashMap<>();
    long computed = 0;
    for (Program program : programs) {
      for (Value value : program.values()) {
        if (value.role().persistent()) {
          persistent.put(value.name(), value.type().bytes());
        }
      }
      computed += MemoryPlan.of(program, value -> value.type().bytes(), 64).arenaBytes();
    }
    long kept = persistent.values().stream().mapToLong(Long::longValue).sum();
    return new MemoryUse(kept, computed, persistent.size() + programs.size());
  }

  /**
   * Writes a persistent value, from row-major order into whatever layout the device keeps. A data
   * set that does not fit the device is read from {@code tensor} at every run, so that its array
   * must stay as it is.
   *
   * @throws BackendException if no compiled program of this session has a value of that name
   * @throws dev.gridstride.program.ProgramException if the type differs
   */
  void write(Value value, Tensor tensor);

  /**
   * Reads a persistent value in row-major order. It is zero until written.
   *
   * @throws BackendException if no compiled program of this session has a value of that name
   */
  Tensor read(Value value);

  /** Reads a persistent scalar without allocating. */
  double readScalar(Value value);

  /**
   * Scalars to be read again and again without holding the device up. By default {@link
   * Readings#request} reads at once.
   *
   * @throws BackendException if no compiled program of this session has one of them
   */
  default Readings follow(List<Value> scalars) {
    return new ImmediateReadings(this, scalars);
  }

  /**
   * One line that says where the data sets of the programs compiled so far are kept; empty for a
   * device that has no choice.
   */
  default String dataPlacement() {
    return "";
  }

  /** Who computes the nodes of the programs compiled so far; nothing where there is no choice. */
  default ImplementationUse implementationUse() {
    return ImplementationUse.NONE;
  }

  /**
   * What is known of the device for reports, by names such as {@code driver} or {@code
   * compute_capability}; {@link #IMAGE} and a kernel file's name is the image that it is loaded
   * from. Empty by default.
   */
  default Map<String, String> facts() {
    return Map.of();
  }

  /**
   * What the device can do at best: the rate of a copy, measured now, and its peak of arithmetic.
   * Takes some tenths of a second and needs memory for a moment. Not known by default.
   *
   * @throws BackendException if the device failed
   */
  default Rates rates() {
    return Rates.UNKNOWN;
  }

  /** Bytes allocated now for persistent values and programs, and how often memory was allocated. */
  MemoryUse memoryUse();

  /** Frees all memory; a second call does nothing. Never throws. */
  @Override
  void close();
}
