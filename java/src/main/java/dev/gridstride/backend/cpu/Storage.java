package dev.gridstride.backend.cpu;

import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.BytePointer;

/** Where a value lives: natively in a layout, in one or more parts, or as a Java array. */
final class Storage {
  final Value value;
  final Layout layout;
  final BytePointer[] pointers;
  final FloatBuffer[] floats;

  /** A batched value that lies in one piece, whole; else null. */
  final BytePointer whole;

  private final FloatBuffer wholeFloats;

  /** For values kept in Java: scalars, labels, data sets, counters. */
  Tensor heap;

  /** Sums of each shard, for scalars that are sums over the batch. */
  final double[] partials;

  private Storage(
      Value value, Layout layout, BytePointer[] pointers, BytePointer whole, double[] partials) {
    this.value = value;
    this.whole = whole;
    wholeFloats = whole == null ? null : NativeMemory.floats(whole);
    this.layout = layout;
    this.pointers = pointers;
    this.partials = partials;
    floats = new FloatBuffer[pointers.length];
    for (int i = 0; i < pointers.length; i++) {
      floats[i] = NativeMemory.floats(pointers[i]);
    }
  }

  static Storage inNative(Value value, Layout layout, BytePointer... pointers) {
    return new Storage(value, layout, pointers, null, null);
  }

  /** A batched value in one piece, whose parts follow each other. */
  static Storage contiguous(
      Value value, Layout layout, BytePointer whole, BytePointer... pointers) {
    return new Storage(value, layout, pointers, whole, null);
  }

  static Storage inHeap(Value value, Tensor tensor, int shards) {
    Storage storage = new Storage(value, null, new BytePointer[0], null, new double[shards]);
    storage.heap = tensor;
    return storage;
  }

  /** What part {@code part} of a step sees: its shard, or all of it if there is but one part. */
  BytePointer pointer(int part, boolean sharded) {
    if (whole != null && !sharded) {
      return whole;
    }
    return pointers[pointers.length == 1 ? 0 : part];
  }

  /** The floats of {@link #pointer}. */
  FloatBuffer floats(int part, boolean sharded) {
    if (wholeFloats != null && !sharded) {
      return wholeFloats;
    }
    return floats[floats.length == 1 ? 0 : part];
  }

  boolean inHeap() {
    return layout == null;
  }

  /** The scalar kept in Java. */
  double scalar() {
    return heap.get(0);
  }
}
