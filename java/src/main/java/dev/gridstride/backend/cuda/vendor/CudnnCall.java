package dev.gridstride.backend.cuda.vendor;

import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.jcudnn.cudnnHandle;

/** A call of cuDNN with its descriptors. Makes no objects when it is put on a stream. */
final class CudnnCall implements LibraryCall {
  /** A factor of 1, as a result is scaled. */
  static final Pointer ONE = factor(1);

  /** A factor of 0, so that what was in a result before is not read. */
  static final Pointer ZERO = factor(0);

  /** Calls the library. */
  @FunctionalInterface
  interface Body {
    /**
     * The call itself.
     *
     * @param at addresses of the operands
     * @return its status
     */
    int call(cudnnHandle handle, Pointer[] at);
  }

  private final Cudnn cudnn;
  private final String name;
  private final String how;
  private final CudnnDescriptors descriptors;
  private final Body body;
  private final Pointer[] at;

  /**
   * A call.
   *
   * @param name the library's function
   * @param how algorithm or mode, for explanations; empty if there is none
   * @param descriptors which this owns from now on
   * @param operands how many
   */
  CudnnCall(
      Cudnn cudnn, String name, String how, CudnnDescriptors descriptors, int operands, Body body) {
    this.cudnn = cudnn;
    this.name = name;
    this.how = how;
    this.descriptors = descriptors;
    this.body = body;
    at = new Pointer[operands];
  }

  private static Pointer factor(float value) {
    ByteBuffer memory = ByteBuffer.allocateDirect(Float.BYTES).order(ByteOrder.nativeOrder());
    memory.putFloat(0, value);
    return Pointer.to(memory);
  }

  String name() {
    return name;
  }

  /** For messages: what it computes, with types, orders and sizes. */
  String doing() {
    return descriptors.doing() + (how.isEmpty() ? "" : " by " + how);
  }

  /** For {@link Cudnn#enqueue}, which has made ready. */
  int run(DeviceBuffer[] buffers) {
    for (int i = 0; i < at.length; i++) {
      at[i] = buffers[i].driverPointer();
    }
    return body.call(cudnn.handle(), at);
  }

  @Override
  public void enqueue(CudaStream stream, DeviceBuffer[] buffers) {
    if (!descriptors.isOpen()) {
      throw new IllegalStateException(name + ": the call was closed");
    }
    if (buffers.length != at.length) {
      throw new IllegalArgumentException(
          name + ": expected " + at.length + " operands, got " + buffers.length);
    }
    cudnn.enqueue(this, stream, buffers);
  }

  @Override
  public void close() {
    descriptors.close();
  }

  @Override
  public String toString() {
    return how.isEmpty() ? name : name + ", " + how;
  }
}
