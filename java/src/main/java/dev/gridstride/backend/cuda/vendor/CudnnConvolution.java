package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardBias;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardData;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardFilter;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBiasActivationForward;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionForward;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolution2dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionGroupCount;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionMathType;

import java.util.List;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnTensorDescriptor;

/**
 * A convolution for cuDNN (a cross-correlation, accumulated in float32), and its calls.
 *
 * @param x images, or their gradient
 * @param w weights, or their gradient
 * @param y results, or their gradient
 * @param stride height, width
 * @param padding height on both sides, width on both sides
 * @param dilation height, width; 1 for none
 * @param groups independent parts of the channels
 * @param math how factors are multiplied
 */
public record CudnnConvolution(
    CudnnTensor x,
    CudnnTensor w,
    CudnnTensor y,
    List<Integer> stride,
    List<Integer> padding,
    List<Integer> dilation,
    int groups,
    Multiplication math) {
  /** How factors are multiplied. */
  public enum Multiplication {
    /** As they are, in float32. */
    FMA(cudnnMathType.CUDNN_FMA_MATH),
    /** float32 rounded to TF32 on the way into tensor cores. */
    TF32(cudnnMathType.CUDNN_DEFAULT_MATH),
    /** In their own type, on tensor cores. */
    TENSOR(cudnnMathType.CUDNN_TENSOR_OP_MATH);

    final int number;

    Multiplication(int number) {
      this.number = number;
    }
  }

  /** What is computed of a convolution. */
  public enum Pass {
    /** y of x and w. */
    FORWARD("cudnnConvolutionForward"),
    /** dx of dy and w. */
    BACKWARD_DATA("cudnnConvolutionBackwardData"),
    /** dw of x and dy. */
    BACKWARD_FILTER("cudnnConvolutionBackwardFilter");

    private final String function;

    Pass(String function) {
      this.function = function;
    }
  }

  /** A convolution's descriptors. */
  record Described(
      CudnnDescriptors all,
      cudnnTensorDescriptor x,
      cudnnFilterDescriptor w,
      cudnnTensorDescriptor y,
      cudnnConvolutionDescriptor convolution) {}

  /** Makes a call of its descriptors. */
  @FunctionalInterface
  interface Maker<T> {
    T make(Described described);
  }

  /** Uses the descriptors, which are closed if that fails; else they are the result's to close. */
  <T> T describe(Cudnn cudnn, Maker<T> maker) {
    CudnnDescriptors all = new CudnnDescriptors(cudnn, toString());
    boolean complete = false;
    try {
      cudnnConvolutionDescriptor descriptor = all.convolution();
      all.set(
          "cudnnSetConvolution2dDescriptor",
          () ->
              cudnnSetConvolution2dDescriptor(
                  descriptor,
                  padding.get(0),
                  padding.get(1),
                  stride.get(0),
                  stride.get(1),
                  dilation.get(0),
                  dilation.get(1),
                  cudnnConvolutionMode.CUDNN_CROSS_CORRELATION,
                  cudnnDataType.CUDNN_DATA_FLOAT));
      all.set(
          "cudnnSetConvolutionGroupCount", () -> cudnnSetConvolutionGroupCount(descriptor, groups));
      all.set(
          "cudnnSetConvolutionMathType",
          () -> cudnnSetConvolutionMathType(descriptor, math.number));
      T made =
          maker.make(new Described(all, all.tensor(x), all.filter(w), all.tensor(y), descriptor));
      complete = true;
      return made;
    } finally {
      if (!complete) {
        all.close();
      }
    }
  }

  /**
   * One pass by one algorithm.
   *
   * <p>Operands: of forward y, x, w, workspace; of backward data dx, dy, w, workspace; of backward
   * filter dw, x, dy, workspace.
   */
  public LibraryCall call(Cudnn cudnn, CudnnAlgorithm algorithm) {
    int number = algorithm.number();
    long bytes = algorithm.workspaceBytes();
    return describe(
        cudnn,
        d -> {
          CudnnCall.Body body =
              switch (algorithm.pass()) {
                case FORWARD ->
                    (handle, at) ->
                        cudnnConvolutionForward(
                            handle,
                            CudnnCall.ONE,
                            d.x,
                            at[1],
                            d.w,
                            at[2],
                            d.convolution,
                            number,
                            at[3],
                            bytes,
                            CudnnCall.ZERO,
                            d.y,
                            at[0]);
                case BACKWARD_DATA ->
                    (handle, at) ->
                        cudnnConvolutionBackwardData(
                            handle,
                            CudnnCall.ONE,
                            d.w,
                            at[2],
                            d.y,
                            at[1],
                            d.convolution,
                            number,
                            at[3],
                            bytes,
                            CudnnCall.ZERO,
                            d.x,
                            at[0]);
                case BACKWARD_FILTER ->
                    (handle, at) ->
                        cudnnConvolutionBackwardFilter(
                            handle,
                            CudnnCall.ONE,
                            d.x,
                            at[1],
                            d.y,
                            at[2],
                            d.convolution,
                            number,
                            at[3],
                            bytes,
                            CudnnCall.ZERO,
                            d.w,
                            at[0]);
              };
          return new CudnnCall(cudnn, algorithm.pass().function, algorithm.name(), d.all, 4, body);
        });
  }

  /**
   * Forward with a bias and perhaps a ReLU in one call. Operands: y, x, w, workspace, bias, whose
   * elements are of y's type.
   *
   * @param algorithm of the forward pass; without a ReLU it must be {@link
   *     CudnnAlgorithm#takesIdentity}
   */
  public LibraryCall biasActivation(Cudnn cudnn, CudnnAlgorithm algorithm, boolean relu) {
    long bytes = algorithm.workspaceBytes();
    return describe(
        cudnn,
        d -> {
          cudnnTensorDescriptor bias =
              d.all.tensor(new CudnnTensor(y.type(), y.format(), 1, y.c(), 1, 1));
          cudnnActivationDescriptor activation = d.all.activation(relu);
          return new CudnnCall(
              cudnn,
              "cudnnConvolutionBiasActivationForward",
              algorithm.name() + (relu ? ", ReLU" : ""),
              d.all,
              5,
              (handle, at) ->
                  cudnnConvolutionBiasActivationForward(
                      handle,
                      CudnnCall.ONE,
                      d.x,
                      at[1],
                      d.w,
                      at[2],
                      d.convolution,
                      algorithm.number(),
                      at[3],
                      bytes,
                      CudnnCall.ZERO,
                      d.y,
                      at[0],
                      bias,
                      at[4],
                      activation,
                      d.y,
                      at[0]));
        });
  }

  /**
   * The gradient of a bias: sums of the gradient of the results over all but the channels.
   * Operands: db [C], dy, of one type.
   */
  public static LibraryCall backwardBias(Cudnn cudnn, CudnnTensor dy) {
    CudnnTensor db = new CudnnTensor(dy.type(), dy.format(), 1, dy.c(), 1, 1);
    return CudnnOps.make(
        cudnn,
        "bias gradient of " + dy,
        all -> {
          cudnnTensorDescriptor from = all.tensor(dy);
          cudnnTensorDescriptor to = all.tensor(db);
          return new CudnnCall(
              cudnn,
              "cudnnConvolutionBackwardBias",
              "",
              all,
              2,
              (handle, at) ->
                  cudnnConvolutionBackwardBias(
                      handle, CudnnCall.ONE, from, at[1], CudnnCall.ZERO, to, at[0]));
        });
  }

  /** All sizes. */
  @Override
  public String toString() {
    return "convolution of "
        + x
        + " and "
        + w
        + " to "
        + y
        + ", stride "
        + stride
        + ", padding "
        + padding
        + ", dilation "
        + dilation
        + ", "
        + groups
        + (groups == 1 ? " group, " : " groups, ")
        + math;
  }
}
