package dev.gridstride.backend.cuda.vendor;

import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;

/**
 * A call of a library with all that it needs but addresses: descriptors, algorithm, sizes. Made
 * once a program, put on a stream many times, or captured in a graph.
 */
public interface LibraryCall extends AutoCloseable {
  /**
   * Puts the call on a stream and returns.
   *
   * @param buffers device memory in the order that the call was made for; {@link DeviceBuffer#NULL}
   *     for what is left out
   * @throws dev.gridstride.backend.BackendException if the library refuses
   */
  void enqueue(CudaStream stream, DeviceBuffer[] buffers);

  /** Function and algorithm, for explanations: {@code cublasGemmEx 128x10x64}. */
  @Override
  String toString();

  /** Frees descriptors. Never throws; a second call does nothing. */
  @Override
  void close();
}
