package dev.gridstride.backend.reference;

import dev.gridstride.program.Shape;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import dev.gridstride.program.op.MovingAverage;

/** Batch normalisation and its running statistics. */
final class BatchNormKernels {
  private BatchNormKernels() {}

  static void training(BatchNorm op, Operands io) {
    double[] x = io.in(0);
    double[] mean = io.out(1);
    double[] variance = io.out(2);
    Shape shape = io.inShape(0);
    double count = (double) x.length / shape.dim(1);
    Channels.sum(x, shape, mean);
    for (int c = 0; c < mean.length; c++) {
      mean[c] /= count;
    }
    for (int i = 0; i < x.length; i++) {
      int c = Channels.of(shape, i);
      variance[c] += (x[i] - mean[c]) * (x[i] - mean[c]) / count;
    }
    normalise(io, mean, variance, op.epsilon());
  }

  static void inference(BatchNormInference op, Operands io) {
    normalise(io, io.in(3), io.in(4), op.epsilon());
  }

  private static void normalise(Operands io, double[] mean, double[] variance, double epsilon) {
    double[] x = io.in(0);
    double[] gamma = io.in(1);
    double[] beta = io.in(2);
    for (int i = 0; i < x.length; i++) {
      int c = Channels.of(io.inShape(0), i);
      io.out(0)[i] = gamma[c] * (x[i] - mean[c]) / Math.sqrt(variance[c] + epsilon) + beta[c];
    }
  }

  static void backward(BatchNormBackward op, Operands io) {
    double[] x = io.in(0);
    double[] gamma = io.in(1);
    double[] mean = io.in(2);
    double[] variance = io.in(3);
    double[] dy = io.in(4);
    double[] dx = io.out(0);
    double[] dgamma = io.out(1);
    double[] dbeta = io.out(2);
    Shape shape = io.inShape(0);
    double count = (double) x.length / shape.dim(1);
    for (int i = 0; i < x.length; i++) {
      int c = Channels.of(shape, i);
      dgamma[c] += dy[i] * (x[i] - mean[c]) / Math.sqrt(variance[c] + op.epsilon());
      dbeta[c] += dy[i];
    }
    for (int i = 0; i < x.length; i++) {
      int c = Channels.of(shape, i);
      double deviation = Math.sqrt(variance[c] + op.epsilon());
      double xh = (x[i] - mean[c]) / deviation;
      double throughStatistics = op.batchStatistics() ? (dbeta[c] + xh * dgamma[c]) / count : 0;
      dx[i] = gamma[c] / deviation * (dy[i] - throughStatistics);
    }
  }

  static void movingAverage(MovingAverage op, Operands io) {
    double[] average = io.in(0);
    double[] value = io.in(1);
    double momentum = op.momentum();
    for (int i = 0; i < average.length; i++) {
      io.out(0)[i] = (1 - momentum) * average[i] + momentum * op.scale() * value[i];
    }
  }
}
