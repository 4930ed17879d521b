package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.CheckFinite;
import dev.gridstride.program.op.ConfusionCounts;
import dev.gridstride.program.op.Hits;
import dev.gridstride.program.op.Increment;
import java.util.Map;

/** Launches of {@code metrics.cu}. */
final class MetricsLaunches {
  private static final String FILE = "metrics";
  private static final int SAMPLES_PER_BLOCK = 64;

  /** Ends of kernel names. */
  private static final Map<DataType, String> SUFFIXES =
      Map.of(
          DataType.FLOAT32, "f32",
          DataType.FLOAT64, "f64",
          DataType.INT32, "i32",
          DataType.INT64, "i64",
          DataType.UINT8, "u8");

  private MetricsLaunches() {}

  static void hits(Hits op, Emitter e) {
    Shape scores = e.input(0).shape();
    Dim grid = grid(scores);
    if (grid.x() > 1) {
      e.clear(e.out(0), Long.BYTES);
    }
    String kernel = soft(e, 1) ? "hits_soft_f32" : "hits_f32";
    int classes = scores.dim(1);
    Object[] args = {e.out(0), e.in(0), e.in(1), scores.dim(0), classes, op.k()};
    e.launch(FILE, kernel, grid, Blocks.ALL, 0, args);
  }

  static void confusionCounts(ConfusionCounts op, Emitter e) {
    Shape scores = e.input(1).shape();
    e.copyUnlessSame(0, 0);
    String kernel = soft(e, 2) ? "confusion_counts_soft_f32" : "confusion_counts_f32";
    Object[] args = {e.out(0), e.in(1), e.in(2), scores.dim(0), scores.dim(1)};
    e.launch(FILE, kernel, grid(scores), Blocks.ALL, 0, args);
  }

  private static Dim grid(Shape scores) {
    return Dim.of(Dim.ceilDiv(scores.dim(0), SAMPLES_PER_BLOCK));
  }

  private static boolean soft(Emitter e, int labels) {
    return e.input(labels).type().dtype() == DataType.FLOAT32;
  }

  static void accumulate(Accumulate op, Emitter e) {
    String sum = SUFFIXES.get(e.input(0).type().dtype());
    String value = SUFFIXES.get(e.input(1).type().dtype());
    scalar(e, "accumulate_" + sum + "_" + value, e.out(0), e.in(0), e.in(1), op.factor());
  }

  static void increment(Increment op, Emitter e) {
    scalar(e, "increment_i64", e.out(0), e.in(0), op.by());
  }

  static void checkFinite(CheckFinite op, Emitter e) {
    scalar(e, "check_finite_f32", e.out(0), e.in(0), e.in(1), e.in(2));
  }

  private static void scalar(Emitter e, String kernel, Object... args) {
    e.launch(FILE, kernel, Dim.of(1), Dim.of(1), 0, args);
  }
}
