package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.op.MeanSquaredError;
import dev.gridstride.program.op.MeanSquaredErrorBackward;

/** Launches of {@code mean_squared_error.cu}. */
final class MeanSquaredErrorLaunches {
  private static final String FILE = "mean_squared_error";
  private static final Dim BLOCK = Dim.of(Blocks.THREADS);

  private MeanSquaredErrorLaunches() {}

  static void forward(MeanSquaredError op, Emitter e) {
    long count = e.inElements(0);
    int chunk = e.int32(ReduceLaunches.chunk(count, Blocks.THREADS), "elements of a chunk");
    long chunks = Dim.ceilDiv(count, chunk);
    Place sums = e.scratch(chunks * Float.BYTES);
    String kernel = "mean_squared_error_forward_f32";
    e.launch(FILE, kernel, Dim.of(chunks), BLOCK, 0, sums, e.in(0), e.in(1), count, chunk);
    ReduceLaunches.sum(e, e.out(0), sums, chunks, (float) (1.0 / count));
  }

  static void backward(MeanSquaredErrorBackward op, Emitter e) {
    long count = e.inElements(0);
    int chunk = 4 * Blocks.THREADS;
    Dim grid = Dim.of(Dim.ceilDiv(count, chunk));
    float factor = (float) (2.0 / count);
    String kernel = "mean_squared_error_backward_f32";
    e.launch(
        FILE, kernel, grid, BLOCK, 0, e.out(0), e.in(0), e.in(1), e.in(2), count, chunk, factor);
  }
}
