package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.DeviceBuffer;
import java.util.ArrayList;
import java.util.List;

/** Memory that is given from outside and may change between runs, and all that points into it. */
final class Slot {
  /** Something that has a pointer into the slot. */
  @FunctionalInterface
  interface Use {
    /** Takes the pointer from where the memory is now. */
    void point(DeviceBuffer buffer);
  }

  private final String what;
  private final long bytes;
  private final long alignment;
  private final boolean written;
  private final List<Use> uses = new ArrayList<>();
  private DeviceBuffer buffer;
  private boolean moved;

  /**
   * A slot with nothing in it.
   *
   * @param what for messages
   * @param alignment what the address must be a multiple of, in bytes
   * @param written whether a run writes to it
   */
  Slot(String what, long bytes, long alignment, boolean written) {
    this.what = what;
    this.bytes = bytes;
    this.alignment = alignment;
    this.written = written;
  }

  String what() {
    return what;
  }

  long bytes() {
    return bytes;
  }

  /** What is in it, or null. */
  DeviceBuffer buffer() {
    return buffer;
  }

  void use(Use use) {
    uses.add(use);
  }

  /**
   * Puts memory into the slot, from the next run on.
   *
   * @throws IllegalArgumentException if it is null, of another context, too small or not aligned
   * @throws IllegalStateException if it is closed
   */
  void put(DeviceBuffer given, CudaContext context) {
    if (given == null || given == DeviceBuffer.NULL) {
      throw new IllegalArgumentException(
          "program: " + what + ": expected " + bytes + " bytes of memory, got null");
    }
    if (!given.context().isSame(context)) {
      throw new IllegalArgumentException(
          "program: "
              + what
              + ": "
              + given
              + " belongs to another context than the program; use memory of "
              + context);
    }
    requireOpen(given);
    if (given.bytes() < bytes) {
      throw new IllegalArgumentException(
          "program: " + what + ": expected at least " + bytes + " bytes, got " + given);
    }
    if (given.address() % alignment != 0) {
      throw new IllegalArgumentException(
          "program: "
              + what
              + ": expected an address that is a multiple of "
              + alignment
              + ", got 0x"
              + Long.toHexString(given.address())
              + " ("
              + given
              + "); move it, or declare the value with Builder.unaligned");
    }
    buffer = given;
    moved = true;
  }

  /** Tells all pointers where the memory is, if that is not what they know. */
  void settle() {
    if (moved) {
      for (int i = 0; i < uses.size(); i++) {
        uses.get(i).point(buffer);
      }
      moved = false;
    }
  }

  /** Throws if the memory in it was closed. */
  void requireOpen() {
    requireOpen(buffer);
  }

  private void requireOpen(DeviceBuffer memory) {
    if (!memory.isOpen()) {
      throw new IllegalStateException(
          "program: " + what + ": " + memory + " is closed; bind memory that is open");
    }
  }

  /** Throws if both have a byte in common, and a run writes to one of them. */
  void requireApart(Slot other) {
    boolean overlaps =
        buffer.address() < other.buffer.address() + other.bytes
            && other.buffer.address() < buffer.address() + bytes;
    if (overlaps && (written || other.written)) {
      throw new IllegalArgumentException(
          "program: "
              + what
              + " and "
              + other.what
              + " overlap in memory; bind them apart, since a run writes there");
    }
  }
}
