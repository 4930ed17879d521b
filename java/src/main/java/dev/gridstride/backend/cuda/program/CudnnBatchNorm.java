package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.vendor.Cudnn;
import dev.gridstride.backend.cuda.vendor.CudnnNorm;
import dev.gridstride.backend.cuda.vendor.CudnnTensor;
import dev.gridstride.program.op.BatchNorm;
import dev.gridstride.program.op.BatchNormBackward;
import dev.gridstride.program.op.BatchNormInference;
import java.util.Arrays;

/**
 * Batch normalisation by cuDNN. The ops' statistics are mean and biased variance; cuDNN's are the
 * unbiased variance and {@code 1 / sqrt(biased variance + epsilon)}, so a small kernel of our own
 * turns one into the other, channel by channel.
 */
final class CudnnBatchNorm {
  private CudnnBatchNorm() {}

  static void training(BatchNorm op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor x = tensor(e, op.epsilon());
    long elements = (long) x.n() * x.h() * x.w();
    if (elements == 1) {
      throw e.unsupported("cuDNN divides by the number of elements less one, which is 0 here");
    }
    long bytes = (long) x.c() * Float.BYTES;
    Place deviation = e.scratch(bytes);
    Place mean = e.scratch(bytes);
    Place unbiased = e.scratch(bytes);
    // They count nothing in what is averaged, but nothing times NaN is NaN.
    e.clear(mean, bytes);
    e.clear(unbiased, bytes);
    CudnnCalls.call(
        e,
        cudnn,
        () -> CudnnNorm.training(cudnn, x, op.epsilon()),
        e.out(0),
        e.in(0),
        e.in(1),
        e.in(2),
        e.out(1),
        deviation,
        mean,
        unbiased);
    float factor = (float) ((elements - 1) / (double) elements);
    BatchNormLaunches.average(e, e.out(2), unbiased, unbiased, x.c(), 1, factor);
  }

  static void inference(BatchNormInference op, Emitter e) {
    Cudnn cudnn = e.cudnn();
    CudnnTensor x = tensor(e, op.epsilon());
    CudnnCalls.call(
        e,
        cudnn,
        () -> CudnnNorm.inference(cudnn, x, op.epsilon()),
        e.out(0),
        e.in(0),
        e.in(1),
        e.in(2),
        e.in(3),
        e.in(4));
  }

  static void backward(BatchNormBackward op, Emitter e) {
    if (!op.batchStatistics()) {
      throw e.unsupported("cuDNN has the gradient of the batch's own statistics alone");
    }
    Cudnn cudnn = e.cudnn();
    CudnnTensor x = tensor(e, op.epsilon());
    Place deviation = inverseDeviation(e, e.in(3), x.c(), op.epsilon());
    CudnnCalls.call(
        e,
        cudnn,
        () -> CudnnNorm.backward(cudnn, x, op.epsilon()),
        e.out(0),
        e.out(1),
        e.out(2),
        e.in(0),
        e.in(4),
        e.in(1),
        e.in(2),
        deviation);
  }

  /** {@code 1 / sqrt(variance + epsilon)}: ones, normalised with a mean of 0. */
  private static Place inverseDeviation(Emitter e, Place variance, int channels, float epsilon) {
    float[] ones = new float[channels];
    Arrays.fill(ones, 1);
    Place one = e.constant(ones);
    Place zero = e.constant(new float[channels]);
    Place result = e.scratch((long) channels * Float.BYTES);
    BatchNormLaunches.Matrix row = BatchNormLaunches.Matrix.row(e, channels);
    BatchNormLaunches.normalise(row, result, one, one, zero, zero, variance, epsilon);
    return result;
  }

  private static CudnnTensor tensor(Emitter e, float epsilon) {
    if (epsilon < CudnnNorm.LEAST_EPSILON) {
      throw e.unsupported(
          "cuDNN takes an epsilon of at least " + CudnnNorm.LEAST_EPSILON + ", got " + epsilon);
    }
    return CudnnCalls.channels(e, e.input(0).shape());
  }
}
