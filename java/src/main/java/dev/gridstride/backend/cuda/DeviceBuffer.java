package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD8Async;

import dev.gridstride.events.MemoryEvent;
import java.nio.ByteBuffer;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/**
 * Device memory, or a part of it. Every copy is checked against its size before the driver is
 * called.
 *
 * <p>{@code write} and {@code read} return when the copy is done, after all work of this context's
 * ordinary streams. The asynchronous ones go into a stream; host memory must stay as it is until
 * the stream has done them.
 */
public final class DeviceBuffer implements AutoCloseable {
  /** A null pointer, as a kernel's argument. */
  public static final DeviceBuffer NULL =
      new DeviceBuffer(null, null, new Address(), 0, 0, "NULL", false);

  private final CudaContext context;
  private final Handle handle;
  private final Address address;
  private final long number;
  private final long offset;
  private final long bytes;
  private final String name;
  private final boolean isSlice;

  private DeviceBuffer(
      CudaContext context,
      Handle handle,
      Address address,
      long offset,
      long bytes,
      String name,
      boolean isSlice) {
    this.context = context;
    this.isSlice = isSlice;
    this.handle = handle;
    this.address = address;
    this.number = address.value();
    this.offset = offset;
    this.bytes = bytes;
    this.name = name;
  }

  static DeviceBuffer allocate(CudaContext context, long bytes, String name) {
    if (bytes <= 0) {
      throw new IllegalArgumentException(
          "allocating " + name + ": size must be positive, got " + bytes + " bytes");
    }
    Address address = new Address();
    context.call(
        "cuMemAlloc",
        () -> "allocating " + bytes + " bytes for " + name,
        () -> cuMemAlloc(address, bytes));
    MemoryEvent.allocated(name, bytes, address.value());
    Handle handle =
        context.opened(describe(name, bytes), "cuMemFree", () -> free(address, bytes, name));
    DeviceBuffer buffer = new DeviceBuffer(context, handle, address, 0, bytes, name, false);
    handle.watch(buffer);
    return buffer;
  }

  private static int free(Address address, long bytes, String name) {
    int status = Status.of(() -> cuMemFree(address));
    if (status == Status.SUCCESS) {
      MemoryEvent.freed(name, bytes, address.value());
    }
    return status;
  }

  static DeviceBuffer wrap(CudaContext context, Address address, long bytes, String name) {
    if (address.value() == 0 || bytes <= 0) {
      throw new IllegalArgumentException(
          "wrapping "
              + name
              + ": expected an address and a size, got 0x"
              + Long.toHexString(address.value())
              + " and "
              + bytes
              + " bytes");
    }
    Foreign.requireMemory(context, address, bytes, name);
    Handle handle = Handle.foreign(describe(name, bytes));
    return new DeviceBuffer(context, handle, address, 0, bytes, name, false);
  }

  private static String describe(String name, long bytes) {
    return name + " (" + bytes + " bytes)";
  }

  /** A variable of a module. */
  static DeviceBuffer within(
      CudaContext context, Handle module, Address address, long bytes, String name) {
    return new DeviceBuffer(context, module, address, 0, bytes, name, true);
  }

  /**
   * A part of this buffer, which ends with it; closing the part does nothing.
   *
   * @param from first byte
   * @throws IndexOutOfBoundsException if it reaches beyond this buffer
   */
  public DeviceBuffer slice(long from, long length) {
    requireOpen("slice of " + name);
    if (from < 0 || length <= 0 || length > bytes - from) {
      throw new IndexOutOfBoundsException(
          "slice of " + name + ": " + range(from, length) + " of " + bytes);
    }
    return new DeviceBuffer(
        context, handle, new Address(address, from), offset + from, length, name, true);
  }

  /** Its size in bytes. */
  public long bytes() {
    return bytes;
  }

  /** Where it begins on the device; 0 for {@link #NULL}. */
  public long address() {
    return number;
  }

  /** The driver's own pointer, for a library's calls after {@link CudaStream#enter}. */
  public CUdeviceptr driverPointer() {
    return address;
  }

  /** Writes all of an array to the begin of this buffer. */
  public void write(byte[] source) {
    write(Pointer.to(source), source.length);
  }

  /** Writes all of an array to the begin of this buffer. */
  public void write(short[] source) {
    write(Pointer.to(source), (long) source.length * Short.BYTES);
  }

  /** Writes all of an array to the begin of this buffer. */
  public void write(int[] source) {
    write(Pointer.to(source), (long) source.length * Integer.BYTES);
  }

  /** Writes all of an array to the begin of this buffer. */
  public void write(long[] source) {
    write(Pointer.to(source), (long) source.length * Long.BYTES);
  }

  /** Writes all of an array to the begin of this buffer. */
  public void write(float[] source) {
    write(Pointer.to(source), (long) source.length * Float.BYTES);
  }

  /** Writes all of an array to the begin of this buffer. */
  public void write(double[] source) {
    write(Pointer.to(source), (long) source.length * Double.BYTES);
  }

  /** Writes what remains in a direct buffer, whose position stays, to the begin of this one. */
  public void write(ByteBuffer source) {
    write(pointer(source, "write to"), source.remaining());
  }

  private void write(Pointer source, long length) {
    require("write", "to", length);
    if (length > 0) {
      context.call(
          "cuMemcpyHtoD",
          () -> "writing " + length + " bytes to " + this,
          () -> cuMemcpyHtoD(address, source, length));
    }
  }

  /** Fills an array from the begin of this buffer, and returns it. */
  public byte[] read(byte[] target) {
    read(Pointer.to(target), target.length);
    return target;
  }

  /** Fills an array from the begin of this buffer, and returns it. */
  public short[] read(short[] target) {
    read(Pointer.to(target), (long) target.length * Short.BYTES);
    return target;
  }

  /** Fills an array from the begin of this buffer, and returns it. */
  public int[] read(int[] target) {
    read(Pointer.to(target), (long) target.length * Integer.BYTES);
    return target;
  }

  /** Fills an array from the begin of this buffer, and returns it. */
  public long[] read(long[] target) {
    read(Pointer.to(target), (long) target.length * Long.BYTES);
    return target;
  }

  /** Fills an array from the begin of this buffer, and returns it. */
  public float[] read(float[] target) {
    read(Pointer.to(target), (long) target.length * Float.BYTES);
    return target;
  }

  /** Fills an array from the begin of this buffer, and returns it. */
  public double[] read(double[] target) {
    read(Pointer.to(target), (long) target.length * Double.BYTES);
    return target;
  }

  /** Fills what remains in a direct buffer, whose position stays, from the begin of this one. */
  public void read(ByteBuffer target) {
    requireWritable(target);
    read(pointer(target, "read from"), target.remaining());
  }

  private void read(Pointer target, long length) {
    require("read", "from", length);
    if (length > 0) {
      context.call(
          "cuMemcpyDtoH",
          () -> "reading " + length + " bytes from " + this,
          () -> cuMemcpyDtoH(target, address, length));
    }
  }

  /** As {@link #write(ByteBuffer)}, in a stream. */
  public void writeAsync(ByteBuffer source, CudaStream stream) {
    long length = source.remaining();
    Pointer pointer = pointer(source, "write to");
    writeAsync(pointer, length, stream);
    stream.uses(source);
  }

  /** Writes all of a pinned buffer to the begin of this one, in a stream. */
  public void writeAsync(PinnedBuffer source, CudaStream stream) {
    writeAsync(source.pointer("write to " + name), source.bytes(), stream);
    stream.uses(source.handle());
  }

  private void writeAsync(Pointer source, long length, CudaStream stream) {
    require("write", "to", length);
    enqueue(
        "cuMemcpyHtoDAsync",
        () -> "writing " + length + " bytes to " + this,
        stream,
        () -> cuMemcpyHtoDAsync(address, source, length, stream.stream()));
  }

  /** As {@link #read(ByteBuffer)}, in a stream. */
  public void readAsync(ByteBuffer target, CudaStream stream) {
    requireWritable(target);
    long length = target.remaining();
    Pointer pointer = pointer(target, "read from");
    readAsync(pointer, length, stream);
    stream.uses(target);
  }

  /** Fills all of a pinned buffer from the begin of this one, in a stream. */
  public void readAsync(PinnedBuffer target, CudaStream stream) {
    readAsync(target.pointer("read from " + name), target.bytes(), stream);
    stream.uses(target.handle());
  }

  private void readAsync(Pointer target, long length, CudaStream stream) {
    require("read", "from", length);
    enqueue(
        "cuMemcpyDtoHAsync",
        () -> "reading " + length + " bytes from " + this,
        stream,
        () -> cuMemcpyDtoHAsync(target, address, length, stream.stream()));
  }

  /** Copies all of {@code source} to the begin of this buffer, in a stream. Makes no objects. */
  public void copyFrom(DeviceBuffer source, CudaStream stream) {
    if (!source.isUsableIn(context)) {
      source.requireUsableIn(context, "copy to " + name);
    }
    require("copy", "to", source.bytes);
    begin(stream, "cuMemcpyDtoDAsync", "copying to ");
    int status = copyIn(source, stream);
    if (status != Status.SUCCESS) {
      throw context.failure("cuMemcpyDtoDAsync", status, "copying " + source + " to " + this);
    }
    stream.uses(handle);
    stream.uses(source.handle);
  }

  private int copyIn(DeviceBuffer source, CudaStream stream) {
    try {
      return cuMemcpyDtoDAsync(address, source.address, source.bytes, stream.stream());
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  /** Sets every byte to {@code value}, in a stream. Makes no objects. */
  public void fill(byte value, CudaStream stream) {
    require("fill", "of", bytes);
    begin(stream, "cuMemsetD8Async", "filling ");
    int status = fillIn(value, stream);
    if (status != Status.SUCCESS) {
      throw context.failure("cuMemsetD8Async", status, "filling " + this);
    }
    stream.uses(handle);
  }

  private int fillIn(byte value, CudaStream stream) {
    try {
      return cuMemsetD8Async(address, value, bytes, stream.stream());
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  /** Checks the stream and makes the context current, without making objects. */
  private void begin(CudaStream stream, String call, String doing) {
    if (!stream.isUsableIn(context)) {
      stream.requireUsableIn(context, doing + this);
      context.requireUsable(call, () -> doing + this);
    }
    int status = context.setCurrent();
    if (status != Status.SUCCESS) {
      throw context.failure("cuCtxSetCurrent", status, doing + this);
    }
  }

  private void enqueue(String name, Supplier<String> doing, CudaStream stream, IntSupplier call) {
    stream.requireUsableIn(context, doing.get());
    stream.call(name, doing, call);
    stream.uses(handle);
  }

  private static Pointer pointer(ByteBuffer host, String doing) {
    if (!host.isDirect()) {
      throw new IllegalArgumentException(
          doing + " device memory: expected a direct buffer, got one on Java's heap");
    }
    return Pointer.to(host.slice());
  }

  private static void requireWritable(ByteBuffer target) {
    if (target.isReadOnly()) {
      throw new IllegalArgumentException("read from device memory: the target is read-only");
    }
  }

  private void require(String verb, String preposition, long length) {
    if (handle == null || !handle.isOpen()) {
      requireOpen(verb + " " + preposition + " " + name);
    }
    if (length > bytes) {
      throw new IndexOutOfBoundsException(
          verb + " " + preposition + " " + name + ": " + length + " bytes, has " + bytes);
    }
  }

  /** Whether it is there to be used: neither {@link #NULL} nor closed. */
  public boolean isOpen() {
    return handle != null && handle.isOpen() && context.isUsable();
  }

  boolean isUsableIn(CudaContext other) {
    return isOpen() && context.isSame(other);
  }

  /** Throws if this is {@link #NULL}, closed or of another context. */
  void requireUsableIn(CudaContext other, String doing) {
    requireOpen(doing);
    if (!context.isSame(other)) {
      throw new IllegalArgumentException(
          doing
              + ": "
              + this
              + " belongs to another context; kernels, buffers, streams and events that work together"
              + " must be of one CudaContext");
    }
  }

  private void requireOpen(String doing) {
    if (handle == null) {
      throw new IllegalArgumentException(doing + ": the buffer is NULL");
    }
    handle.requireOpen(doing);
  }

  /** The context it belongs to; null for {@link #NULL}. */
  public CudaContext context() {
    return context;
  }

  /** Whether the memory is still there; shared by all its slices; null for {@link #NULL}. */
  Handle handle() {
    return handle;
  }

  private static String range(long from, long length) {
    return "bytes " + from + " to " + (from + length);
  }

  /** Frees the memory, unless this is a slice or wraps memory of somebody else. Never throws. */
  @Override
  public void close() {
    if (handle != null && !isSlice) {
      context.close(handle);
    }
  }

  @Override
  public String toString() {
    if (handle == null) {
      return "NULL";
    }
    return isSlice ? name + " [" + range(offset, bytes) + "]" : describe(name, bytes);
  }
}
