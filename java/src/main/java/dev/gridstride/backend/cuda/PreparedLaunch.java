package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_BUFFER_POINTER;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_BUFFER_SIZE;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_END;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;

import dev.gridstride.events.KernelEvent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.driver.CUDA_KERNEL_NODE_PARAMS;

/**
 * A launch with its arguments packed, to be put into streams many times. Launching it makes no
 * objects. For one thread at a time.
 */
public final class PreparedLaunch {
  private final CudaKernel kernel;
  private final CudaContext context;
  private final ParameterLayout layout;
  private final Dim grid;
  private final Dim block;
  private final int sharedBytes;
  private final ByteBuffer packed;

  /** Null if there are no parameters. */
  private final Pointer extra;

  /** The buffers among the arguments, null where there is none or its pointer is null. */
  private final DeviceBuffer[] buffers;

  PreparedLaunch(CudaKernel kernel, ParameterLayout layout, Dim grid, Dim block, int sharedBytes) {
    this.kernel = kernel;
    this.context = kernel.module().context();
    this.layout = layout;
    this.grid = grid;
    this.block = block;
    this.sharedBytes = sharedBytes;
    this.buffers = new DeviceBuffer[layout.parameters().size()];
    this.packed =
        ByteBuffer.allocateDirect(Math.max(1, layout.bytes())).order(ByteOrder.nativeOrder());
    ByteBuffer size = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
    size.putLong(0, layout.bytes());
    this.extra =
        layout.bytes() == 0
            ? null
            : Pointer.to(
                CU_LAUNCH_PARAM_BUFFER_POINTER,
                Pointer.to(packed),
                CU_LAUNCH_PARAM_BUFFER_SIZE,
                Pointer.to(size),
                CU_LAUNCH_PARAM_END);
  }

  /** The kernel. */
  public CudaKernel kernel() {
    return kernel;
  }

  /**
   * Changes an argument for launches from now on; those already in a stream or graph keep theirs.
   *
   * @param index of the parameter, from 0
   * @throws IllegalArgumentException if it does not fit the parameter
   * @throws IllegalStateException if it is a buffer that is closed
   */
  public void set(int index, Object argument) {
    if (index < 0 || index >= buffers.length) {
      throw new IllegalArgumentException(
          kernel + ": no argument " + index + ", it takes " + buffers.length);
    }
    KernelParameter parameter = layout.parameters().get(index);
    if (!parameter.takes(argument)) {
      throw new IllegalArgumentException(
          describe(index)
              + ": expected "
              + parameter.expected()
              + ", got "
              + KernelParameter.got(argument));
    }
    DeviceBuffer buffer = null;
    if (argument instanceof DeviceBuffer given && given != DeviceBuffer.NULL) {
      if (!given.isUsableIn(context)) {
        given.requireUsableIn(context, describe(index));
      }
      buffer = given;
    }
    buffers[index] = buffer;
    KernelParameter.put(packed, layout.offsets().get(index), parameter.bytes(), argument);
  }

  /**
   * Changes a pointer, as {@link #set(int, Object)} with {@code buffer.slice(offset, ...)}, but
   * without making objects.
   *
   * @param offset from the buffer's begin in bytes
   */
  public void set(int index, DeviceBuffer buffer, long offset) {
    set(index, buffer);
    if (offset < 0 || offset >= buffer.bytes()) {
      throw new IndexOutOfBoundsException(describe(index) + ": byte " + offset + " of " + buffer);
    }
    packed.putLong(layout.offsets().get(index), buffer.address() + offset);
  }

  private String describe(int index) {
    KernelParameter parameter = layout.parameters().get(index);
    String declared = parameter.type().isEmpty() ? "" : " (" + parameter + ")";
    return kernel.name() + ": argument " + (index + 1) + declared;
  }

  /**
   * Puts the launch into a stream.
   *
   * @throws IllegalStateException if a buffer, the module or the stream is closed
   * @throws CudaException if the driver refuses the launch, or an earlier one has failed
   */
  public void launch(CudaStream stream) {
    requireUsable();
    if (stream.context() != context || !stream.isOpen() || !context.isUsable()) {
      explain(stream);
    }
    KernelEvent event = stream.capture() == null ? KernelEvent.start() : null;
    int status = context.setCurrent();
    if (status != Status.SUCCESS) {
      throw context.failure("cuCtxSetCurrent", status, doing());
    }
    status = launchIn(stream);
    if (status != Status.SUCCESS) {
      throw context.failure("cuLaunchKernel", status, doing());
    }
    KernelEvent.end(event, kernel.name(), this);
    if (stream.capture() != null) {
      forEachMemory(stream::uses);
    }
  }

  private int launchIn(CudaStream stream) {
    try {
      return cuLaunchKernel(
          kernel.function(),
          grid.x(),
          grid.y(),
          grid.z(),
          block.x(),
          block.y(),
          block.z(),
          sharedBytes,
          stream.stream(),
          null,
          extra);
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  /** Throws if the module or a buffer is closed. */
  void requireUsable() {
    if (!kernel.module().handle().isOpen()) {
      kernel.module().handle().requireOpen("launch of " + kernel.name());
    }
    for (int i = 0; i < buffers.length; i++) {
      DeviceBuffer buffer = buffers[i];
      if (buffer != null && !buffer.handle().isOpen()) {
        buffer.handle().requireOpen(describe(i));
      }
    }
  }

  private void explain(CudaStream stream) {
    stream.requireUsableIn(context, "launch of " + kernel.name());
    context.requireUsable("cuLaunchKernel", this::doing);
  }

  /** The memory and module that a recording has to watch. */
  void forEachMemory(java.util.function.Consumer<Handle> action) {
    action.accept(kernel.module().handle());
    for (DeviceBuffer buffer : buffers) {
      if (buffer != null) {
        action.accept(buffer.handle());
      }
    }
  }

  CudaContext context() {
    return context;
  }

  /** What a node of a graph needs to know. */
  CUDA_KERNEL_NODE_PARAMS nodeParameters() {
    CUDA_KERNEL_NODE_PARAMS parameters = new CUDA_KERNEL_NODE_PARAMS();
    parameters.func = kernel.function();
    parameters.gridDimX = grid.x();
    parameters.gridDimY = grid.y();
    parameters.gridDimZ = grid.z();
    parameters.blockDimX = block.x();
    parameters.blockDimY = block.y();
    parameters.blockDimZ = block.z();
    parameters.sharedMemBytes = sharedBytes;
    parameters.extra = extra;
    return parameters;
  }

  private String doing() {
    return "launching " + this;
  }

  @Override
  public String toString() {
    return kernel.name()
        + ", grid "
        + grid
        + ", block "
        + block
        + (sharedBytes == 0 ? "" : ", " + sharedBytes + " bytes of shared memory");
  }
}
