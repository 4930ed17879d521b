package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardAlgorithm_v7;

import dev.gridstride.backend.cuda.vendor.CudnnConvolution.Described;
import dev.gridstride.backend.cuda.vendor.CudnnConvolution.Multiplication;
import dev.gridstride.backend.cuda.vendor.CudnnConvolution.Pass;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgo;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgo;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnDeterminism;
import jcuda.jcudnn.cudnnMathType;

/**
 * An algorithm for one pass of a convolution.
 *
 * @param number as cuDNN counts
 * @param status 0 if it takes the convolution
 * @param workspaceBytes memory that it needs besides its operands
 * @param deterministic whether it gives the same bits from run to run
 * @param mathType as cuDNN counts
 */
public record CudnnAlgorithm(
    Pass pass, int number, int status, long workspaceBytes, boolean deterministic, int mathType) {
  /**
   * What cuDNN has for a pass, in the order in which it expects them to be fast.
   *
   * @throws dev.gridstride.backend.cuda.LibraryException if it does not take the sizes
   */
  public static List<CudnnAlgorithm> all(Cudnn cudnn, CudnnConvolution convolution, Pass pass) {
    return convolution.describe(
        cudnn,
        described -> {
          try (CudnnDescriptors owned = described.all()) {
            return switch (pass) {
              case FORWARD -> forward(cudnn, described, owned);
              case BACKWARD_DATA -> backwardData(cudnn, described, owned);
              case BACKWARD_FILTER -> backwardFilter(cudnn, described, owned);
            };
          }
        });
  }

  private static List<CudnnAlgorithm> forward(
      Cudnn cudnn, Described d, CudnnDescriptors descriptors) {
    int[] count = new int[1];
    int[] returned = new int[1];
    descriptors.set(
        "cudnnGetConvolutionForwardAlgorithmMaxCount",
        () -> cudnnGetConvolutionForwardAlgorithmMaxCount(cudnn.handle(), count));
    cudnnConvolutionFwdAlgoPerf[] found =
        Stream.generate(cudnnConvolutionFwdAlgoPerf::new)
            .limit(count[0])
            .toArray(cudnnConvolutionFwdAlgoPerf[]::new);
    descriptors.set(
        "cudnnGetConvolutionForwardAlgorithm_v7",
        () ->
            cudnnGetConvolutionForwardAlgorithm_v7(
                cudnn.handle(),
                d.x(),
                d.w(),
                d.convolution(),
                d.y(),
                found.length,
                returned,
                found));
    return Arrays.stream(found)
        .limit(returned[0])
        .map(
            one ->
                new CudnnAlgorithm(
                    Pass.FORWARD,
                    one.algo,
                    one.status,
                    one.memory,
                    isDeterministic(one.determinism),
                    one.mathType))
        .toList();
  }

  private static List<CudnnAlgorithm> backwardData(
      Cudnn cudnn, Described d, CudnnDescriptors descriptors) {
    int[] count = new int[1];
    int[] returned = new int[1];
    descriptors.set(
        "cudnnGetConvolutionBackwardDataAlgorithmMaxCount",
        () -> cudnnGetConvolutionBackwardDataAlgorithmMaxCount(cudnn.handle(), count));
    cudnnConvolutionBwdDataAlgoPerf[] found =
        Stream.generate(cudnnConvolutionBwdDataAlgoPerf::new)
            .limit(count[0])
            .toArray(cudnnConvolutionBwdDataAlgoPerf[]::new);
    descriptors.set(
        "cudnnGetConvolutionBackwardDataAlgorithm_v7",
        () ->
            cudnnGetConvolutionBackwardDataAlgorithm_v7(
                cudnn.handle(),
                d.w(),
                d.y(),
                d.convolution(),
                d.x(),
                found.length,
                returned,
                found));
    return Arrays.stream(found)
        .limit(returned[0])
        .map(
            one ->
                new CudnnAlgorithm(
                    Pass.BACKWARD_DATA,
                    one.algo,
                    one.status,
                    one.memory,
                    isDeterministic(one.determinism),
                    one.mathType))
        .toList();
  }

  private static List<CudnnAlgorithm> backwardFilter(
      Cudnn cudnn, Described d, CudnnDescriptors descriptors) {
    int[] count = new int[1];
    int[] returned = new int[1];
    descriptors.set(
        "cudnnGetConvolutionBackwardFilterAlgorithmMaxCount",
        () -> cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(cudnn.handle(), count));
    cudnnConvolutionBwdFilterAlgoPerf[] found =
        Stream.generate(cudnnConvolutionBwdFilterAlgoPerf::new)
            .limit(count[0])
            .toArray(cudnnConvolutionBwdFilterAlgoPerf[]::new);
    descriptors.set(
        "cudnnGetConvolutionBackwardFilterAlgorithm_v7",
        () ->
            cudnnGetConvolutionBackwardFilterAlgorithm_v7(
                cudnn.handle(),
                d.x(),
                d.y(),
                d.convolution(),
                d.w(),
                found.length,
                returned,
                found));
    return Arrays.stream(found)
        .limit(returned[0])
        .map(
            one ->
                new CudnnAlgorithm(
                    Pass.BACKWARD_FILTER,
                    one.algo,
                    one.status,
                    one.memory,
                    isDeterministic(one.determinism),
                    one.mathType))
        .toList();
  }

  private static boolean isDeterministic(int determinism) {
    return determinism == cudnnDeterminism.CUDNN_DETERMINISTIC;
  }

  /**
   * Those that take the convolution and compute as wanted, in their order.
   *
   * @param mostBytes of workspace
   */
  public static List<CudnnAlgorithm> usable(
      List<CudnnAlgorithm> all, Multiplication math, boolean nondeterministic, long mostBytes) {
    List<CudnnAlgorithm> usable = new ArrayList<>();
    for (CudnnAlgorithm one : all) {
      if (one.status == 0
          && (one.deterministic || nondeterministic)
          && one.computesAs(math)
          && one.workspaceBytes <= mostBytes) {
        usable.add(one);
      }
    }
    return usable;
  }

  /** Whether it rounds factors no more than wanted. The descriptor of its call says how at most. */
  private boolean computesAs(Multiplication math) {
    boolean plain =
        mathType == cudnnMathType.CUDNN_FMA_MATH || mathType == cudnnMathType.CUDNN_DEFAULT_MATH;
    return switch (math) {
      case FMA -> plain;
      case TF32, TENSOR -> plain || mathType == cudnnMathType.CUDNN_TENSOR_OP_MATH;
    };
  }

  /** Whether it adds a bias without a ReLU in the same call. */
  public boolean takesIdentity() {
    return pass == Pass.FORWARD
        && number == cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
  }

  /** As cuDNN calls it, for example {@code IMPLICIT_PRECOMP_GEMM}. */
  public String name() {
    String full =
        switch (pass) {
          case FORWARD -> cudnnConvolutionFwdAlgo.stringFor(number);
          case BACKWARD_DATA -> cudnnConvolutionBwdDataAlgo.stringFor(number);
          case BACKWARD_FILTER -> cudnnConvolutionBwdFilterAlgo.stringFor(number);
        };
    return full.replaceFirst("^CUDNN_CONVOLUTION_(FWD|BWD_DATA|BWD_FILTER)_(ALGO_(?=\\D))?", "");
  }

  /** Why it is not used where one that is wanted has to be deterministic, or is refused. */
  public String describe() {
    return name()
        + (status != 0 ? " refused" : "")
        + (deterministic ? "" : " nondeterministic")
        + (workspaceBytes == 0 ? "" : ", " + workspaceBytes + " bytes");
  }
}
