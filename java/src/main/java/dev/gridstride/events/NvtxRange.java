package dev.gridstride.events;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;

/**
 * A range that NVIDIA's profilers (Nsight Systems) show on their time line, where NVTX's library is
 * on this machine; else nothing happens.
 */
public final class NvtxRange {
  private final Memory name;

  /** A range of this name, to be pushed as often as it occurs. */
  public NvtxRange(String name) {
    this.name = Nvtx.isPresent() ? encoded(name) : null;
  }

  private static Memory encoded(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Memory memory = new Memory(bytes.length + 1L);
    memory.write(0, bytes, 0, bytes.length);
    memory.setByte(bytes.length, (byte) 0);
    return memory;
  }

  /** Begins it on this thread, within those that it has begun before. */
  public void push() {
    if (name != null) {
      try {
        Nvtx.push(Pointer.nativeValue(name));
      } finally {
        Reference.reachabilityFence(this);
      }
    }
  }

  /** Ends the range that this thread has begun last. */
  public static void pop() {
    if (Nvtx.isPresent()) {
      Nvtx.pop();
    }
  }

  /** The library that takes the ranges, or what is missing, for a report. */
  public static String describeLibrary() {
    return Nvtx.describe();
  }
}
