package dev.gridstride.backend;

import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * An open device with the persistent values of one or more programs. Parameters and states of the
 * same name are one piece of memory in all programs of a session, so a training, an evaluation and
 * a prediction program work on the same weights.
 *
 * <p>Not thread-safe: one thread at a time. Closing it closes its executables.
 */
public interface Session extends AutoCloseable {
  /** Device and implementation in one line, for the user to see what runs. */
  String description();

  /**
   * Compiles a program.
   *
   * @throws BackendException if an op, shape or attribute is not supported or memory runs out
   */
  Executable compile(Program program);

  /**
   * Writes a persistent value, from row-major order into whatever layout the device keeps.
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

  /** Bytes allocated now for persistent values and programs, and how often memory was allocated. */
  MemoryUse memoryUse();

  /** Frees all memory; a second call does nothing. Never throws. */
  @Override
  void close();
}
