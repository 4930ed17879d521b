package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcudnn.JCudnn.CUDNN_BN_MIN_EPSILON;
import static jcuda.jcudnn.JCudnn.cudnnBatchNormalizationBackward;
import static jcuda.jcudnn.JCudnn.cudnnBatchNormalizationForwardInference;
import static jcuda.jcudnn.JCudnn.cudnnBatchNormalizationForwardTraining;

import jcuda.jcudnn.cudnnBatchNormMode;
import jcuda.jcudnn.cudnnTensorDescriptor;

/**
 * Calls of cuDNN for batch normalisation per channel, over images and their pixels. Its statistics
 * are mean and {@code 1 / sqrt(biased variance + epsilon)}; what it would average over runs is the
 * unbiased variance.
 */
public final class CudnnNorm {
  /** The smallest epsilon that cuDNN takes. */
  public static final double LEAST_EPSILON = CUDNN_BN_MIN_EPSILON;

  private static final int MODE = cudnnBatchNormMode.CUDNN_BATCHNORM_SPATIAL;
  private static final String SPATIAL = "SPATIAL";

  private CudnnNorm() {}

  /**
   * Normalises with the batch's own statistics. Operands: y, x, gamma, beta, and as results mean,
   * inverse deviation, and mean and unbiased variance once more. The last two must hold finite
   * numbers before, which count nothing.
   */
  public static LibraryCall training(Cudnn cudnn, CudnnTensor x, double epsilon) {
    return CudnnOps.make(
        cudnn,
        "batch normalisation of " + x,
        all -> {
          cudnnTensorDescriptor image = all.tensor(x);
          cudnnTensorDescriptor channels = all.tensor(CudnnTensor.perChannel(x));
          return new CudnnCall(
              cudnn,
              "cudnnBatchNormalizationForwardTraining",
              SPATIAL,
              all,
              8,
              (handle, at) ->
                  cudnnBatchNormalizationForwardTraining(
                      handle,
                      MODE,
                      CudnnCall.ONE,
                      CudnnCall.ZERO,
                      image,
                      at[1],
                      image,
                      at[0],
                      channels,
                      at[2],
                      at[3],
                      1,
                      at[6],
                      at[7],
                      epsilon,
                      at[4],
                      at[5]));
        });
  }

  /** Normalises with given statistics. Operands: y, x, gamma, beta, mean, biased variance. */
  public static LibraryCall inference(Cudnn cudnn, CudnnTensor x, double epsilon) {
    return CudnnOps.make(
        cudnn,
        "batch normalisation with given statistics of " + x,
        all -> {
          cudnnTensorDescriptor image = all.tensor(x);
          cudnnTensorDescriptor channels = all.tensor(CudnnTensor.perChannel(x));
          return new CudnnCall(
              cudnn,
              "cudnnBatchNormalizationForwardInference",
              SPATIAL,
              all,
              6,
              (handle, at) ->
                  cudnnBatchNormalizationForwardInference(
                      handle,
                      MODE,
                      CudnnCall.ONE,
                      CudnnCall.ZERO,
                      image,
                      at[1],
                      image,
                      at[0],
                      channels,
                      at[2],
                      at[3],
                      at[4],
                      at[5],
                      epsilon));
        });
  }

  /**
   * Gradient of {@link #training}. Operands: dx, dgamma, dbeta, x, dy, gamma, mean, inverse
   * deviation.
   */
  public static LibraryCall backward(Cudnn cudnn, CudnnTensor x, double epsilon) {
    return CudnnOps.make(
        cudnn,
        "gradient of batch normalisation of " + x,
        all -> {
          cudnnTensorDescriptor image = all.tensor(x);
          cudnnTensorDescriptor channels = all.tensor(CudnnTensor.perChannel(x));
          return new CudnnCall(
              cudnn,
              "cudnnBatchNormalizationBackward",
              SPATIAL,
              all,
              8,
              (handle, at) ->
                  cudnnBatchNormalizationBackward(
                      handle,
                      MODE,
                      CudnnCall.ONE,
                      CudnnCall.ZERO,
                      CudnnCall.ONE,
                      CudnnCall.ZERO,
                      image,
                      at[3],
                      image,
                      at[4],
                      image,
                      at[0],
                      channels,
                      at[5],
                      at[1],
                      at[2],
                      epsilon,
                      at[6],
                      at[7]));
        });
  }
}
