package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.program.Shape;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import dev.gridstride.program.op.MovingAverage;

/** Launches of {@code batch_norm.cu}. */
final class BatchNormLaunches {
  private static final String FILE = "batch_norm";

  private BatchNormLaunches() {}

  static void training(BatchNorm op, Emitter e) {
    Matrix m = Matrix.of(e, e.input(0).shape());
    Place partials = e.scratch(m.partialBytes());
    Place mean = e.out(1);
    Place variance = e.out(2);
    m.first("batch_norm_statistics_f32", partials, e.in(0), m.rows, m.channels, m.chunk);
    m.second(
        "batch_norm_merge_f32",
        mean,
        variance,
        partials,
        m.rows,
        m.channels,
        m.chunk,
        (int) m.chunks());
    normalise(m, e.out(0), e.in(0), e.in(1), e.in(2), mean, variance, op.epsilon());
  }

  static void inference(BatchNormInference op, Emitter e) {
    Matrix m = Matrix.of(e, e.input(0).shape());
    normalise(m, e.out(0), e.in(0), e.in(1), e.in(2), e.in(3), e.in(4), op.epsilon());
  }

  /** {@code y[c] = gamma[c] * (x[c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]}. */
  static void normalise(
      Matrix m,
      Place y,
      Place x,
      Place gamma,
      Place beta,
      Place mean,
      Place variance,
      float epsilon) {
    m.first(
        "batch_norm_inference_f32",
        y,
        x,
        gamma,
        beta,
        mean,
        variance,
        m.rows,
        m.channels,
        m.chunk,
        epsilon);
  }

  static void backward(BatchNormBackward op, Emitter e) {
    Matrix m = Matrix.of(e, e.input(0).shape());
    Place x = e.in(0);
    Place gamma = e.in(1);
    Place mean = e.in(2);
    Place variance = e.in(3);
    Place dy = e.in(4);
    Place dgamma = e.out(1);
    Place dbeta = e.out(2);
    Place partials = e.scratch(m.partialBytes());
    m.first(
        "batch_norm_backward_reduce_f32",
        partials,
        x,
        mean,
        variance,
        dy,
        m.rows,
        m.channels,
        m.chunk,
        op.epsilon());
    m.second(
        "batch_norm_backward_merge_f32", dgamma, dbeta, partials, m.channels, (int) m.chunks());
    boolean own = op.batchStatistics();
    m.first(
        "batch_norm_backward_data_f32",
        e.out(0),
        x,
        gamma,
        mean,
        variance,
        dy,
        own ? dgamma : Place.NULL,
        own ? dbeta : Place.NULL,
        m.rows,
        m.channels,
        m.chunk,
        op.epsilon());
  }

  static void movingAverage(MovingAverage op, Emitter e) {
    average(e, e.out(0), e.in(0), e.in(1), e.inElements(0), op.momentum(), op.scale());
  }

  /** {@code to[i] = (1 - momentum) * average[i] + momentum * scale * value[i]}. */
  static void average(
      Emitter e, Place to, Place average, Place value, long count, float momentum, float scale) {
    Dim grid = Dim.of(Dim.ceilDiv(count, Blocks.THREADS));
    Dim block = Dim.of(Blocks.THREADS);
    e.launch(
        FILE, "moving_average_f32", grid, block, 0, to, average, value, count, momentum, scale);
  }

  /** A tensor as [rows, channels], cut into chunks of rows and tiles of channels. */
  static final class Matrix {
    final Emitter e;
    final long rows;
    final int channels;
    final int chunk;
    private final Dim block;
    private final long tiles;

    private Matrix(Emitter e, long rows, int channels) {
      this.e = e;
      this.rows = rows;
      this.channels = channels;
      int vectors = channels / Blocks.vector(channels);
      block = Blocks.rows(vectors, Blocks.WARP);
      tiles = Dim.ceilDiv(vectors, block.x());
      chunk = e.int32(ReduceLaunches.chunk(rows, block.y()), "rows of a chunk");
    }

    static Matrix row(Emitter e, int channels) {
      return new Matrix(e, 1, channels);
    }

    static Matrix of(Emitter e, Shape shape) {
      Channels channels = Channels.of(shape);
      return new Matrix(e, channels.outer(), channels.channels());
    }

    long chunks() {
      return Dim.ceilDiv(rows, chunk);
    }

    /** Two numbers for each channel of each chunk. */
    long partialBytes() {
      return chunks() * 2 * channels * Float.BYTES;
    }

    /** Launches a kernel that works chunk by chunk. */
    void first(String kernel, Object... arguments) {
      e.launch(FILE, kernel, Dim.of(chunks(), tiles), block, 0, arguments);
    }

    /** Launches a kernel that puts the chunks' results together. */
    void second(String kernel, Object... arguments) {
      e.launch(FILE, kernel, Dim.of(1, tiles), block, 0, arguments);
    }
  }
}
