package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Buffers on the device and the {@link Place.Memory} in them. With guards, each memory allocated
 * {@link #apart} lies between two zones that nothing may write.
 */
final class DeviceMemory implements AutoCloseable {
  /** A multiple of the alignment of every memory. */
  private static final int GUARD_BYTES = Recording.ALIGNMENT;

  /** As a float32 about 8.5e37: what is read from a guard shows in sums and maxima. */
  private static final byte GUARD = 0x7E;

  /** NaN as a float32, -1 as an integer. */
  private static final byte POISON = (byte) 0xFF;

  private record Guarded(Place.Memory memory, DeviceBuffer whole, DeviceBuffer inner) {}

  private final CudaContext context;
  private final boolean guards;
  private final List<DeviceBuffer> buffers = new ArrayList<>();
  private final List<Guarded> guarded = new ArrayList<>();
  private final ByteBuffer zone = ByteBuffer.allocateDirect(GUARD_BYTES);

  DeviceMemory(CudaContext context, boolean guards) {
    this.context = context;
    this.guards = guards;
  }

  /** A buffer for each memory; its content is undefined. */
  void apart(Iterable<Place.Memory> memories, CudaStream stream) {
    for (Place.Memory memory : memories) {
      if (guards) {
        DeviceBuffer whole = allocate(memory.bytes + 2L * GUARD_BYTES, memory.name);
        whole.fill(GUARD, stream);
        DeviceBuffer inner = whole.slice(GUARD_BYTES, memory.bytes);
        memory.bind(inner);
        guarded.add(new Guarded(memory, whole, inner));
      } else {
        memory.bind(allocate(memory.bytes, memory.name));
      }
    }
  }

  /** A buffer for a whole block; its content is undefined. */
  void together(Block block) {
    block.bind(allocate(block.bytes(), block.name));
  }

  /** A buffer that is freed with the others. */
  DeviceBuffer allocate(long bytes, String name) {
    DeviceBuffer buffer = context.allocate(bytes, name);
    buffers.add(buffer);
    return buffer;
  }

  /** Makes these memories undefined, so that reading what was not written shows. */
  static void poison(Iterable<Place.Memory> memories, CudaStream stream) {
    memories.forEach(memory -> memory.buffer().fill(POISON, stream));
  }

  /**
   * Looks at all zones; the stream must be idle.
   *
   * @param after what has just run, for the message
   * @throws BackendException if a zone was written
   */
  void checkGuards(Object after) {
    for (Guarded one : guarded) {
      checkZone(one, 0, after);
      checkZone(one, GUARD_BYTES + one.memory().bytes, after);
    }
  }

  private void checkZone(Guarded one, long offset, Object after) {
    one.whole().slice(offset, GUARD_BYTES).read(zone.clear());
    for (int i = 0; i < GUARD_BYTES; i++) {
      if (zone.get(i) != GUARD) {
        long place = offset + i - GUARD_BYTES;
        throw new BackendException(
            "cuda: "
                + after
                + " wrote outside of "
                + one.memory().name
                + ": at byte "
                + place
                + " of a buffer of "
                + one.memory().bytes
                + " bytes");
      }
    }
  }

  long bytes() {
    return buffers.stream().mapToLong(DeviceBuffer::bytes).sum();
  }

  int allocations() {
    return buffers.size();
  }

  @Override
  public void close() {
    buffers.forEach(DeviceBuffer::close);
    buffers.clear();
    guarded.clear();
  }
}
