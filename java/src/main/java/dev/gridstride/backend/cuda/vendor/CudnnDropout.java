package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcudnn.JCudnn.cudnnDropoutBackward;
import static jcuda.jcudnn.JCudnn.cudnnDropoutForward;
import static jcuda.jcudnn.JCudnn.cudnnDropoutGetReserveSpaceSize;
import static jcuda.jcudnn.JCudnn.cudnnDropoutGetStatesSize;
import static jcuda.jcudnn.JCudnn.cudnnSetDropoutDescriptor;

import dev.gridstride.backend.cuda.DeviceBuffer;
import jcuda.jcudnn.cudnnDropoutDescriptor;
import jcuda.jcudnn.cudnnTensorDescriptor;

/**
 * Calls of cuDNN for dropout. A forward call draws from a generator of its own, whose state lies on
 * the device and moves on with every run.
 */
public final class CudnnDropout {
  private CudnnDropout() {}

  /** Size of the mask that a forward call leaves and a backward call reads. */
  public static long maskBytes(Cudnn cudnn, CudnnTensor x) {
    long[] bytes = new long[1];
    try (CudnnDescriptors all = new CudnnDescriptors(cudnn, "dropout of " + x)) {
      cudnnTensorDescriptor tensor = all.tensor(x);
      all.set(
          "cudnnDropoutGetReserveSpaceSize", () -> cudnnDropoutGetReserveSpaceSize(tensor, bytes));
    }
    return bytes[0];
  }

  /** Draws a mask and applies it. Operands: y, x, mask. */
  public static LibraryCall forward(Cudnn cudnn, CudnnTensor x, float rate, long seed) {
    long mask = maskBytes(cudnn, x);
    return CudnnOps.make(
        cudnn,
        "dropout of " + x,
        all -> {
          cudnnTensorDescriptor both = all.tensor(x);
          cudnnDropoutDescriptor dropout = descriptor(cudnn, all, rate, seed);
          return new CudnnCall(
              cudnn,
              "cudnnDropoutForward",
              "",
              all,
              3,
              (handle, at) ->
                  cudnnDropoutForward(handle, dropout, both, at[1], both, at[0], at[2], mask));
        });
  }

  /** Applies a mask. Operands: dx, dy, mask. */
  public static LibraryCall backward(Cudnn cudnn, CudnnTensor x, float rate) {
    long mask = maskBytes(cudnn, x);
    return CudnnOps.make(
        cudnn,
        "gradient of dropout of " + x,
        all -> {
          cudnnTensorDescriptor both = all.tensor(x);
          cudnnDropoutDescriptor dropout = descriptor(cudnn, all, rate, 0);
          return new CudnnCall(
              cudnn,
              "cudnnDropoutBackward",
              "",
              all,
              3,
              (handle, at) ->
                  cudnnDropoutBackward(handle, dropout, both, at[1], both, at[0], at[2], mask));
        });
  }

  /** With a generator, which the library sets up on the device. */
  private static cudnnDropoutDescriptor descriptor(
      Cudnn cudnn, CudnnDescriptors all, float rate, long seed) {
    long[] bytes = new long[1];
    all.set("cudnnDropoutGetStatesSize", () -> cudnnDropoutGetStatesSize(cudnn.handle(), bytes));
    DeviceBuffer states = all.memory(bytes[0], "generator of a dropout of cuDNN");
    cudnnDropoutDescriptor made = all.dropout();
    all.set(
        "cudnnSetDropoutDescriptor",
        () ->
            cudnnSetDropoutDescriptor(
                made, cudnn.handle(), rate, states.driverPointer(), bytes[0], seed));
    cudnn.context().synchronize();
    return made;
  }
}
