package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.FetchBatch;

/** Launches of {@code fetch_batch.cu}. */
final class FetchBatchLaunches {
  private FetchBatchLaunches() {}

  static void fetchBatch(FetchBatch op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
