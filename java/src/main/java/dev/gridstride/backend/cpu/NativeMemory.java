package dev.gridstride.backend.cpu;

import dev.gridstride.backend.BackendException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** A zeroed piece of native memory, aligned to a cache line. */
final class NativeMemory implements AutoCloseable {
  static final int ALIGNMENT = 64;

  private final long bytes;
  private final BytePointer start;
  private Pointer allocation;

  private NativeMemory(Pointer allocation, long bytes) {
    this.allocation = allocation;
    this.bytes = bytes;
    long shift = -allocation.address() & (ALIGNMENT - 1);
    start = new BytePointer(allocation).capacity(bytes + ALIGNMENT).getPointer(shift);
    start.capacity(bytes);
    Pointer.memset(start, 0, bytes);
  }

  /**
   * Allocates memory.
   *
   * @param purpose for the message if there is none left
   */
  static NativeMemory allocate(long bytes, String purpose) {
    Pointer allocation = Pointer.malloc(bytes + ALIGNMENT);
    if (allocation == null || allocation.isNull()) {
      throw new BackendException(
          "cpu: out of memory: "
              + purpose
              + " needs "
              + bytes
              + " bytes, free are "
              + Pointer.availablePhysicalBytes());
    }
    return new NativeMemory(allocation, bytes);
  }

  long bytes() {
    return bytes;
  }

  /** Address of byte {@code offset}. */
  BytePointer at(long offset, long length) {
    if (allocation == null) {
      throw new IllegalStateException("cpu: memory used after it was freed");
    }
    if (offset < 0 || offset + length > bytes) {
      throw new IndexOutOfBoundsException(
          "cpu: bytes " + offset + " to " + (offset + length) + " of " + bytes);
    }
    BytePointer pointer = start.getPointer(offset);
    pointer.capacity(length);
    return pointer;
  }

  /** The floats that begin at a pointer into native memory. */
  static FloatBuffer floats(BytePointer pointer) {
    return pointer.asByteBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public void close() {
    if (allocation != null) {
      Pointer.free(allocation);
      allocation = null;
    }
  }
}
