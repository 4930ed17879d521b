package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcudnn.JCudnn.cudnnActivationBackward;
import static jcuda.jcudnn.JCudnn.cudnnActivationForward;
import static jcuda.jcudnn.JCudnn.cudnnAddTensor;
import static jcuda.jcudnn.JCudnn.cudnnPoolingBackward;
import static jcuda.jcudnn.JCudnn.cudnnPoolingForward;
import static jcuda.jcudnn.JCudnn.cudnnSetPooling2dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSoftmaxBackward;
import static jcuda.jcudnn.JCudnn.cudnnSoftmaxForward;

import java.util.List;
import java.util.function.Function;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnNanPropagation;
import jcuda.jcudnn.cudnnPoolingDescriptor;
import jcuda.jcudnn.cudnnPoolingMode;
import jcuda.jcudnn.cudnnSoftmaxAlgorithm;
import jcuda.jcudnn.cudnnSoftmaxMode;
import jcuda.jcudnn.cudnnTensorDescriptor;

/** Calls of cuDNN for pooling, softmax, activations and biases. */
public final class CudnnOps {
  private CudnnOps() {}

  /** How a window is pooled. */
  public enum Pooling {
    /** Its maximum; backward gives the same bits from run to run. */
    MAX(cudnnPoolingMode.CUDNN_POOLING_MAX_DETERMINISTIC),
    /** Its mean, with padding as zeros. */
    AVERAGE_WITH_PADDING(cudnnPoolingMode.CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING),
    /** The mean of what is no padding. */
    AVERAGE(cudnnPoolingMode.CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING);

    final int number;

    Pooling(int number) {
      this.number = number;
    }
  }

  /**
   * A pooling.
   *
   * @param window height, width
   * @param padding height on both sides, width on both sides
   * @param stride height, width
   */
  public record Window(
      Pooling pooling, List<Integer> window, List<Integer> padding, List<Integer> stride) {
    private cudnnPoolingDescriptor descriptor(CudnnDescriptors all) {
      cudnnPoolingDescriptor made = all.pooling();
      all.set(
          "cudnnSetPooling2dDescriptor",
          () ->
              cudnnSetPooling2dDescriptor(
                  made,
                  pooling.number,
                  cudnnNanPropagation.CUDNN_NOT_PROPAGATE_NAN,
                  window.get(0),
                  window.get(1),
                  padding.get(0),
                  padding.get(1),
                  stride.get(0),
                  stride.get(1)));
      return made;
    }
  }

  /** Makes a call; its descriptors are closed if that fails. */
  static CudnnCall make(Cudnn cudnn, String doing, Function<CudnnDescriptors, CudnnCall> maker) {
    CudnnDescriptors all = new CudnnDescriptors(cudnn, doing);
    boolean complete = false;
    try {
      CudnnCall made = maker.apply(all);
      complete = true;
      return made;
    } finally {
      if (!complete) {
        all.close();
      }
    }
  }

  /** Pooling. Operands: y, x. */
  public static LibraryCall pool(Cudnn cudnn, Window window, CudnnTensor x, CudnnTensor y) {
    return make(
        cudnn,
        "pooling of " + x + " to " + y + ", " + window,
        all -> {
          cudnnPoolingDescriptor pooling = window.descriptor(all);
          cudnnTensorDescriptor from = all.tensor(x);
          cudnnTensorDescriptor to = all.tensor(y);
          return new CudnnCall(
              cudnn,
              "cudnnPoolingForward",
              window.pooling.toString(),
              all,
              2,
              (handle, at) ->
                  cudnnPoolingForward(
                      handle, pooling, CudnnCall.ONE, from, at[1], CudnnCall.ZERO, to, at[0]));
        });
  }

  /** Gradient of pooling. Operands: dx, dy, x, y. */
  public static LibraryCall poolBackward(Cudnn cudnn, Window window, CudnnTensor x, CudnnTensor y) {
    return make(
        cudnn,
        "gradient of pooling of " + x + " to " + y + ", " + window,
        all -> {
          cudnnPoolingDescriptor pooling = window.descriptor(all);
          cudnnTensorDescriptor in = all.tensor(x);
          cudnnTensorDescriptor out = all.tensor(y);
          return new CudnnCall(
              cudnn,
              "cudnnPoolingBackward",
              window.pooling.toString(),
              all,
              4,
              (handle, at) ->
                  cudnnPoolingBackward(
                      handle,
                      pooling,
                      CudnnCall.ONE,
                      out,
                      at[3],
                      out,
                      at[1],
                      in,
                      at[2],
                      CudnnCall.ZERO,
                      in,
                      at[0]));
        });
  }

  /** Softmax over c, h and w of each n. Operands: y, x. */
  public static LibraryCall softmax(Cudnn cudnn, CudnnTensor x) {
    return make(
        cudnn,
        "softmax of " + x,
        all -> {
          cudnnTensorDescriptor both = all.tensor(x);
          return new CudnnCall(
              cudnn,
              "cudnnSoftmaxForward",
              "ACCURATE",
              all,
              2,
              (handle, at) ->
                  cudnnSoftmaxForward(
                      handle,
                      cudnnSoftmaxAlgorithm.CUDNN_SOFTMAX_ACCURATE,
                      cudnnSoftmaxMode.CUDNN_SOFTMAX_MODE_INSTANCE,
                      CudnnCall.ONE,
                      both,
                      at[1],
                      CudnnCall.ZERO,
                      both,
                      at[0]));
        });
  }

  /** Gradient of softmax. Operands: dx, dy, y. */
  public static LibraryCall softmaxBackward(Cudnn cudnn, CudnnTensor x) {
    return make(
        cudnn,
        "gradient of softmax of " + x,
        all -> {
          cudnnTensorDescriptor each = all.tensor(x);
          return new CudnnCall(
              cudnn,
              "cudnnSoftmaxBackward",
              "ACCURATE",
              all,
              3,
              (handle, at) ->
                  cudnnSoftmaxBackward(
                      handle,
                      cudnnSoftmaxAlgorithm.CUDNN_SOFTMAX_ACCURATE,
                      cudnnSoftmaxMode.CUDNN_SOFTMAX_MODE_INSTANCE,
                      CudnnCall.ONE,
                      each,
                      at[2],
                      each,
                      at[1],
                      CudnnCall.ZERO,
                      each,
                      at[0]));
        });
  }

  /** ReLU, also in place. Operands: y, x. */
  public static LibraryCall relu(Cudnn cudnn, CudnnTensor x) {
    return make(
        cudnn,
        "ReLU of " + x,
        all -> {
          cudnnActivationDescriptor activation = all.activation(true);
          cudnnTensorDescriptor both = all.tensor(x);
          return new CudnnCall(
              cudnn,
              "cudnnActivationForward",
              "RELU",
              all,
              2,
              (handle, at) ->
                  cudnnActivationForward(
                      handle, activation, CudnnCall.ONE, both, at[1], CudnnCall.ZERO, both, at[0]));
        });
  }

  /**
   * Gradient of ReLU. Operands: dx, dy, y; y stands for x too, as both are positive at the same
   * places.
   */
  public static LibraryCall reluBackward(Cudnn cudnn, CudnnTensor x) {
    return make(
        cudnn,
        "gradient of ReLU of " + x,
        all -> {
          cudnnActivationDescriptor activation = all.activation(true);
          cudnnTensorDescriptor each = all.tensor(x);
          return new CudnnCall(
              cudnn,
              "cudnnActivationBackward",
              "RELU",
              all,
              3,
              (handle, at) ->
                  cudnnActivationBackward(
                      handle,
                      activation,
                      CudnnCall.ONE,
                      each,
                      at[2],
                      each,
                      at[1],
                      each,
                      at[2],
                      CudnnCall.ZERO,
                      each,
                      at[0]));
        });
  }

  /** Adds a number per channel to y, in place. Operands: y, bias [C] of y's type. */
  public static LibraryCall addBias(Cudnn cudnn, CudnnTensor y) {
    CudnnTensor bias = new CudnnTensor(y.type(), y.format(), 1, y.c(), 1, 1);
    return make(
        cudnn,
        "bias of " + y,
        all -> {
          cudnnTensorDescriptor from = all.tensor(bias);
          cudnnTensorDescriptor to = all.tensor(y);
          return new CudnnCall(
              cudnn,
              "cudnnAddTensor",
              "",
              all,
              2,
              (handle, at) ->
                  cudnnAddTensor(handle, CudnnCall.ONE, from, at[1], CudnnCall.ONE, to, at[0]));
        });
  }
}
