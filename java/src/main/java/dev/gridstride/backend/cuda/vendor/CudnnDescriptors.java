package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcudnn.JCudnn.cudnnCreateActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateConvolutionDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateDropoutDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateFilterDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreatePoolingDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyConvolutionDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyDropoutDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyFilterDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyPoolingDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetFilter4dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetTensor4dDescriptor;

import dev.gridstride.backend.cuda.DeviceBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntSupplier;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnActivationMode;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnDropoutDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnNanPropagation;
import jcuda.jcudnn.cudnnPoolingDescriptor;
import jcuda.jcudnn.cudnnTensorDescriptor;

/** The descriptors of one call and its memory: made one after the other, freed together. */
final class CudnnDescriptors implements AutoCloseable {
  private record Free(String name, IntSupplier call) {}

  private final Cudnn cudnn;
  private final String doing;
  private final Deque<Free> open = new ArrayDeque<>();
  private DeviceBuffer memory;
  private boolean closed;

  /**
   * None yet.
   *
   * @param doing what the call computes, with types, orders and sizes, for messages
   */
  CudnnDescriptors(Cudnn cudnn, String doing) {
    this.cudnn = cudnn;
    this.doing = doing;
  }

  String doing() {
    return doing;
  }

  boolean isOpen() {
    return !closed;
  }

  /** Calls the library, which is to fill in a descriptor. */
  void set(String name, IntSupplier call) {
    cudnn.call(name, () -> doing, call);
  }

  private void make(String kind, IntSupplier create, IntSupplier destroy) {
    set("cudnnCreate" + kind + "Descriptor", create);
    open.push(new Free("cudnnDestroy" + kind + "Descriptor", destroy));
  }

  cudnnTensorDescriptor tensor(CudnnTensor t) {
    cudnnTensorDescriptor made = new cudnnTensorDescriptor();
    make(
        "Tensor",
        () -> cudnnCreateTensorDescriptor(made),
        () -> cudnnDestroyTensorDescriptor(made));
    set(
        "cudnnSetTensor4dDescriptor",
        () ->
            cudnnSetTensor4dDescriptor(
                made, t.format().number, t.type().number, t.n(), t.c(), t.h(), t.w()));
    return made;
  }

  cudnnFilterDescriptor filter(CudnnTensor t) {
    cudnnFilterDescriptor made = new cudnnFilterDescriptor();
    make(
        "Filter",
        () -> cudnnCreateFilterDescriptor(made),
        () -> cudnnDestroyFilterDescriptor(made));
    set(
        "cudnnSetFilter4dDescriptor",
        () ->
            cudnnSetFilter4dDescriptor(
                made, t.type().number, t.format().number, t.n(), t.c(), t.h(), t.w()));
    return made;
  }

  cudnnConvolutionDescriptor convolution() {
    cudnnConvolutionDescriptor made = new cudnnConvolutionDescriptor();
    make(
        "Convolution",
        () -> cudnnCreateConvolutionDescriptor(made),
        () -> cudnnDestroyConvolutionDescriptor(made));
    return made;
  }

  cudnnPoolingDescriptor pooling() {
    cudnnPoolingDescriptor made = new cudnnPoolingDescriptor();
    make(
        "Pooling",
        () -> cudnnCreatePoolingDescriptor(made),
        () -> cudnnDestroyPoolingDescriptor(made));
    return made;
  }

  cudnnDropoutDescriptor dropout() {
    cudnnDropoutDescriptor made = new cudnnDropoutDescriptor();
    make(
        "Dropout",
        () -> cudnnCreateDropoutDescriptor(made),
        () -> cudnnDestroyDropoutDescriptor(made));
    return made;
  }

  /** Memory on the device that goes with them. */
  DeviceBuffer memory(long bytes, String name) {
    memory = cudnn.context().allocate(bytes, name);
    return memory;
  }

  cudnnActivationDescriptor activation(boolean relu) {
    cudnnActivationDescriptor made = new cudnnActivationDescriptor();
    make(
        "Activation",
        () -> cudnnCreateActivationDescriptor(made),
        () -> cudnnDestroyActivationDescriptor(made));
    int mode =
        relu
            ? cudnnActivationMode.CUDNN_ACTIVATION_RELU
            : cudnnActivationMode.CUDNN_ACTIVATION_IDENTITY;
    set(
        "cudnnSetActivationDescriptor",
        () ->
            cudnnSetActivationDescriptor(
                made, mode, cudnnNanPropagation.CUDNN_NOT_PROPAGATE_NAN, 0));
    return made;
  }

  /** Frees all. Never throws; a second call does nothing. */
  @Override
  public void close() {
    closed = true;
    while (!open.isEmpty()) {
      Free free = open.pop();
      cudnn.callWhileClosing(free.name(), "after " + doing, free.call());
    }
    if (memory != null) {
      memory.close();
    }
  }
}
