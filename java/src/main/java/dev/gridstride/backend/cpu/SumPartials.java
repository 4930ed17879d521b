package dev.gridstride.backend.cpu;

import dev.gridstride.program.Value;
import java.nio.FloatBuffer;
import java.util.List;

/**
 * Adds up the parts that the shards left of a sum over the batch, always in the order of the
 * shards.
 */
final class SumPartials {
  /** Floats copied to Java at a time: five arrays of them fit an L1 cache of 32 KiB. */
  static final int CHUNK = 1024;

  private SumPartials() {}

  static Step step(Value partial, Value sum, int workers) {
    return new Step(
        "sum of " + partial.name() + Step.JAVA,
        Step.Mode.SLICED,
        List.of(partial),
        List.of(sum),
        memory -> {
          FloatBuffer[] parts = memory.of(partial).floats;
          FloatBuffer total = memory.floats(sum, 0);
          Slicer slicer = new Slicer(total.capacity(), workers);
          ChunkWork[] works = new ChunkWork[workers];
          for (int worker = 0; worker < workers; worker++) {
            float[] accumulator = memory.scratch(worker, 0, CHUNK);
            float[] addend = memory.scratch(worker, 1, CHUNK);
            works[worker] =
                (start, length) -> {
                  read(parts, start, length, accumulator, addend);
                  total.put(start, accumulator, 0, length);
                };
          }
          return worker -> slicer.forEach(worker, works[worker]);
        });
  }

  /**
   * The sum of floats {@code start} to {@code start + length} of all parts, into {@code result}.
   */
  static void read(FloatBuffer[] parts, int start, int length, float[] result, float[] addend) {
    parts[0].get(start, result, 0, length);
    for (int part = 1; part < parts.length; part++) {
      parts[part].get(start, addend, 0, length);
      for (int i = 0; i < length; i++) {
        result[i] += addend[i];
      }
    }
  }

  /** Cuts a tensor into one contiguous slice a worker, and that into chunks. */
  static final class Slicer {
    private final int length;
    private final int perWorker;

    Slicer(int length, int workers) {
      this.length = length;
      int share = (length + workers - 1) / workers;
      // Whole cache lines, so that no two workers write to one; small tensors go to one worker.
      perWorker = Math.max(CHUNK, (share + 15) / 16 * 16);
    }

    void forEach(int worker, ChunkWork work) {
      long end = Math.min(length, (worker + 1L) * perWorker);
      for (long start = (long) worker * perWorker; start < end; start += CHUNK) {
        work.accept((int) start, (int) Math.min(CHUNK, end - start));
      }
    }
  }

  /** Work on some consecutive floats. */
  interface ChunkWork {
    void accept(int start, int length);
  }
}
