package dev.gridstride.backend.cuda.program;

import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.Increment;

/** Launches of {@code metrics.cu}. */
final class MetricsLaunches {
  private MetricsLaunches() {}

  static void hits(Hits op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void confusionCounts(ConfusionCounts op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void accumulate(Accumulate op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void increment(Increment op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }

  static void checkFinite(CheckFinite op, Emitter e) {
    throw e.unsupported("no kernel yet");
  }
}
