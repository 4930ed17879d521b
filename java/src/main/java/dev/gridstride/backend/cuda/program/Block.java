package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.DeviceBuffer;

/**
 * Memory that is allocated at once for several memories, each at a multiple of {@link
 * Recording#ALIGNMENT}.
 */
final class Block {
  /** What the driver rounds an allocation up to at least. */
  private static final long GRANULE = 512;

  final String name;
  private long bytes;
  private DeviceBuffer buffer;

  /**
   * A block with nothing in it.
   *
   * @param name for messages
   */
  Block(String name) {
    this.name = name;
  }

  /** Puts a memory behind all others. */
  void add(Place.Memory memory) {
    put(memory, bytes);
  }

  /** Puts a memory at an offset, where others may be at other times. */
  void put(Place.Memory memory, long offset) {
    memory.placeIn(this, offset);
    bytes = Math.max(bytes, Math.addExact(offset, Recording.aligned(memory.bytes)));
  }

  /** Bytes to allocate for the whole block, 0 if there is nothing in it. */
  long bytes() {
    return allocated(bytes);
  }

  /** What an allocation of so many bytes takes. */
  static long allocated(long bytes) {
    return Math.multiplyExact((bytes + GRANULE - 1) / GRANULE, GRANULE);
  }

  /** From now on the block is here. */
  void bind(DeviceBuffer place) {
    buffer = place;
  }

  /** Where the block is, or null before it is bound. */
  DeviceBuffer buffer() {
    return buffer;
  }
}
