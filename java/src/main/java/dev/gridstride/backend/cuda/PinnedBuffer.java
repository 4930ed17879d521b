package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuMemAllocHost;
import static jcuda.driver.JCudaDriver.cuMemFreeHost;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;

/**
 * Host memory that stays where it is, so that a device can copy from and to it while Java goes on.
 * Limited in number: it is taken from the system's physical memory.
 */
public final class PinnedBuffer implements AutoCloseable {
  private final CudaContext context;
  private final Pointer pointer;
  private final int bytes;
  private final Handle handle;

  private PinnedBuffer(CudaContext context, Pointer pointer, int bytes) {
    this.context = context;
    this.pointer = pointer;
    this.bytes = bytes;
    this.handle =
        context.opened(
            "pinned buffer (" + bytes + " bytes)", "cuMemFreeHost", () -> cuMemFreeHost(pointer));
    handle.watch(this);
  }

  static PinnedBuffer allocate(CudaContext context, long bytes) {
    if (bytes <= 0 || bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "pinned buffer: size must be 1 to 2147483647 bytes, got " + bytes);
    }
    Pointer pointer = new Pointer();
    context.call(
        "cuMemAllocHost",
        () -> "allocating " + bytes + " bytes of pinned host memory",
        () -> cuMemAllocHost(pointer, bytes));
    return new PinnedBuffer(context, pointer, (int) bytes);
  }

  /** Its size in bytes. */
  public int bytes() {
    return bytes;
  }

  /**
   * The memory, in the machine's byte order. Must not be touched after this buffer is closed: the
   * memory is gone then, and Java cannot tell.
   */
  public ByteBuffer memory() {
    handle.requireOpen("memory of a pinned buffer");
    return pointer.getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
  }

  Pointer pointer(String doing) {
    handle.requireOpen(doing);
    return pointer;
  }

  Handle handle() {
    return handle;
  }

  /** Frees the memory. Copies under way must be done. Never throws. */
  @Override
  public void close() {
    context.close(handle);
  }
}
