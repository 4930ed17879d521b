package dev.gridstride.backend.cpu;

import dev.gridstride.program.Value;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.BytePointer;

/** What kernels see of a program's memory while they are built. */
interface Memory {
  /** Where a value lives. */
  Storage of(Value value);

  /** Scratch memory of a part for a primitive; all steps of the part share it. */
  BytePointer scratchpad(int part, long bytes);

  /**
   * Scratch array number {@code slot} of a part, at least so long; all steps of the part share it.
   */
  float[] scratch(int part, int slot, int length);

  /** Registers something to be closed with the program. */
  void onClose(AutoCloseable resource);

  /** Shorthand: the floats of a part of a value. */
  default FloatBuffer floats(Value value, int part) {
    return of(value).floats[part];
  }
}
