package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.DeviceBuffer;

/**
 * A place in device memory that has its address later, when the program's memory is allocated: a
 * piece of memory and an offset into it.
 */
public final class Place {
  /** An absent optional argument: a null pointer. */
  public static final Place NULL = new Place(null, 0);

  /** A piece of memory: that of one value, or of one scratch. */
  static final class Memory {
    final String name;
    final long bytes;

    /** Rows of a {@link RowRing}; 0 if this holds a whole value. */
    final int ringRows;

    private Block block;
    private long offset;
    private DeviceBuffer buffer;

    Memory(String name, long bytes) {
      this(name, bytes, 0);
    }

    private Memory(String name, long bytes, int ringRows) {
      this.name = name;
      this.bytes = bytes;
      this.ringRows = ringRows;
    }

    /** Memory through which the rows of a value pass, each as it is on the host. */
    static Memory ring(String name, long bytes, int rows) {
      return new Memory(name, bytes, rows);
    }

    /** All memory of a block from {@code first} to {@code last}, which lies behind it. */
    static Memory span(String name, Memory first, Memory last) {
      Memory all = new Memory(name, last.offset + last.bytes - first.offset);
      all.placeIn(first.block, first.offset);
      return all;
    }

    /** From now on the memory is here. */
    void bind(DeviceBuffer place) {
      buffer = place;
    }

    /** From now on the memory is a part of a block, which may have no address yet. */
    void placeIn(Block whole, long at) {
      block = whole;
      offset = at;
    }

    /** The block that it is a part of, or null. */
    Block block() {
      return block;
    }

    /** Where in its block it begins, in bytes. */
    long offset() {
      return offset;
    }

    /** Whether {@code next} is the next memory in the same block. */
    boolean precedes(Memory next) {
      return block != null
          && block == next.block
          && offset + Recording.aligned(bytes) == next.offset;
    }

    /** Where the memory is, once it or its block is bound. */
    DeviceBuffer buffer() {
      if (buffer == null && block != null && block.buffer() != null) {
        buffer = block.buffer().slice(offset, bytes);
      }
      if (buffer == null) {
        throw new IllegalStateException("memory " + name + " has no address yet");
      }
      return buffer;
    }
  }

  private final Memory memory;
  private final long offset;

  private Place(Memory memory, long offset) {
    this.memory = memory;
    this.offset = offset;
  }

  /** The beginning of a piece of memory. */
  static Place of(Memory memory) {
    return new Place(memory, 0);
  }

  /**
   * The place that lies {@code bytes} further on.
   *
   * @throws IndexOutOfBoundsException if that is beyond the memory
   */
  public Place plus(long bytes) {
    if (memory == null || bytes < 0 || offset + bytes > memory.bytes) {
      throw new IndexOutOfBoundsException("place: " + bytes + " bytes past " + this);
    }
    return new Place(memory, offset + bytes);
  }

  /** Bytes from here to the end of the memory. */
  public long bytes() {
    return memory == null ? 0 : memory.bytes - offset;
  }

  /**
   * Whether both are in the memory of the same value: a launch that writes one writes over the
   * other.
   */
  boolean sameMemory(Place other) {
    return memory != null && memory == other.memory;
  }

  /** Rows of the ring that this is; 0 if it is a whole value. */
  int ringRows() {
    return memory == null ? 0 : memory.ringRows;
  }

  /** The memory in which it is; null for {@link #NULL}. */
  Memory memory() {
    return memory;
  }

  /** Bytes from the memory's begin. */
  long offset() {
    return offset;
  }

  boolean isNull() {
    return memory == null;
  }

  /** The device memory from here on, once it is bound; {@link DeviceBuffer#NULL} for null. */
  DeviceBuffer buffer() {
    return memory == null ? DeviceBuffer.NULL : memory.buffer().slice(offset, bytes());
  }

  /** For example {@code conv1.weight+256}. */
  @Override
  public String toString() {
    return memory == null ? "null" : offset == 0 ? memory.name : memory.name + "+" + offset;
  }
}
