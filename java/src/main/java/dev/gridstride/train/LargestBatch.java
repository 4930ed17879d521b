package dev.gridstride.train;

import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.program.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/** Finds out how large a batch may be, by what the device says that the real programs need. */
final class LargestBatch {
  private LargestBatch() {}

  /**
   * The same error with the largest batch that fits, as the session is now.
   *
   * @param batch one that did not fit
   * @param programs all programs that a batch of this size takes
   */
  static OutOfDeviceMemoryException name(
      OutOfDeviceMemoryException error,
      SessionState state,
      int batch,
      IntFunction<List<Program>> programs) {
    IntPredicate fits =
        size -> error.hasRoomFor(state.plan(programs.apply(size)), state.memoryUse());
    // If it fits by now, memory was short for another reason, which a smaller batch may not cure.
    return fits.test(batch) ? error : error.withLargestBatch(below(batch, fits));
  }

  /** The programs that go through {@code samples} samples in steps of {@code size}. */
  static List<Program> parts(int samples, int size, IntFunction<StepProgram> program) {
    int full = Math.min(samples, size);
    List<Program> all = new ArrayList<>(List.of(program.apply(full).program()));
    if (samples % full > 0) {
      all.add(program.apply(samples % full).program());
    }
    return all;
  }

  /** The largest number below {@code batch} that fits and whose successor does not, or 0. */
  private static int below(int batch, IntPredicate fits) {
    int low = 0;
    int high = batch;
    while (high - low > 1) {
      int middle = low + (high - low) / 2;
      if (fits.test(middle)) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
