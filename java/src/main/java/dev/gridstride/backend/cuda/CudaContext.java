package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuCtxPopCurrent;
import static jcuda.driver.JCudaDriver.cuCtxPushCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;

import dev.gridstride.backend.BackendException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * A device's memory, modules and streams, as one user of it sees them. Closing it frees all that is
 * still open in it.
 *
 * <p>Every method of this package makes the context current on the calling thread, as CUDA wants
 * it, and leaves it so. A context may be used by several threads; a stream, kernel or graph by one
 * at a time.
 */
public final class CudaContext implements AutoCloseable {
  private final CudaDevice device;
  private final String deviceName;
  private final CUcontext context;
  private final Handle handle;

  private final CudaDevice.Limits limits;

  /** What is open in this context, oldest first. */
  private final Set<Handle> open = new LinkedHashSet<>();

  /** What could not be freed and does not end with this context: tried once more at its end. */
  private final List<Handle> refused = new ArrayList<>();

  /** The error that ended this context, if one did. */
  private volatile CudaException lost;

  /** Where the driver leaves the context that was current. */
  private final CUcontext popped = new CUcontext();

  CudaContext(CudaDevice device, CUcontext context, String closeCall, IntSupplier close) {
    this(device, context, new Handle("context of " + device, closeCall, close));
    handle.watch(this);
  }

  private CudaContext(CudaDevice device, CUcontext context, Handle handle) {
    this.device = device;
    this.deviceName = device.toString();
    this.context = context;
    this.limits = device.limits();
    this.handle = handle;
  }

  /**
   * A context that the caller has made, to work in it with the caller's memory and streams. Closing
   * the result frees what was opened through it and leaves the context alone; close it before the
   * caller ends the context.
   *
   * @throws CudaException if the driver does not know the context
   */
  public static CudaContext of(CUcontext context) {
    if (context == null || context.equals(new CUcontext())) {
      throw new IllegalArgumentException(
          "wrapping a context: expected one of cuCtxCreate or cuDevicePrimaryCtxRetain, got null");
    }
    CudaDevice device = Foreign.deviceOf(context);
    return new CudaContext(device, context, Handle.foreign("the caller's context of " + device));
  }

  /**
   * The context that is current on the calling thread, as {@link #of}.
   *
   * @throws IllegalStateException if there is none
   */
  public static CudaContext current() {
    return of(Foreign.currentContext());
  }

  /** The device. */
  public CudaDevice device() {
    return device;
  }

  /** What a launch may ask for, asked once. */
  CudaDevice.Limits limits() {
    return limits;
  }

  /**
   * Allocates device memory. Its content is undefined: the simulated device fills it with NaN and
   * reports reads of what was never written.
   *
   * @throws IllegalArgumentException if {@code bytes} is not positive
   * @throws CudaException if there is not enough memory
   */
  public DeviceBuffer allocate(long bytes) {
    return allocate(bytes, "buffer");
  }

  /**
   * As {@link #allocate(long)}.
   *
   * @param name for messages
   */
  public DeviceBuffer allocate(long bytes, String name) {
    return DeviceBuffer.allocate(this, bytes, name);
  }

  /**
   * Device memory that belongs to somebody else, for example to another library. Closing the buffer
   * leaves the memory alone; it need not be closed.
   *
   * @param address where it begins on the device
   * @param name for messages
   * @throws IllegalArgumentException if the driver does not know so many bytes there as memory of
   *     this context
   */
  public DeviceBuffer wrap(long address, long bytes, String name) {
    return DeviceBuffer.wrap(this, new Address(new Address(), address), bytes, name);
  }

  /** As {@link #wrap(long, long, String)}. */
  public DeviceBuffer wrap(CUdeviceptr pointer, long bytes, String name) {
    return DeviceBuffer.wrap(
        this, pointer == null ? new Address() : new Address(pointer, 0), bytes, name);
  }

  /**
   * A stream of the caller. Closing the result leaves the stream alone; it need not be closed. If
   * the caller is capturing the stream, work that is put in goes into the caller's graph.
   *
   * @param stream null for the default stream of this context
   * @throws IllegalArgumentException if the stream belongs to another context
   */
  public CudaStream wrap(CUstream stream) {
    return CudaStream.wrap(this, stream == null ? JCudaDriver.CU_STREAM_LEGACY : stream);
  }

  /**
   * Allocates host memory that the device copies from and to by itself.
   *
   * @throws IllegalArgumentException if {@code bytes} is not positive
   * @throws CudaException if there is not enough memory
   */
  public PinnedBuffer allocatePinned(long bytes) {
    return PinnedBuffer.allocate(this, bytes);
  }

  /**
   * A queue of work. Its work and synchronous copies, such as {@link DeviceBuffer#write(float[])},
   * wait for each other.
   */
  public CudaStream createStream() {
    return CudaStream.create(this, true);
  }

  /**
   * A queue whose work and synchronous copies do not wait for each other: what the copies touch
   * must be synchronised by the caller.
   */
  public CudaStream createNonBlockingStream() {
    return CudaStream.create(this, false);
  }

  /** An event for waiting. A thread that waits for it sleeps. */
  public CudaEvent createEvent() {
    return CudaEvent.create(this, false);
  }

  /** An event that notes the time; see {@link CudaEvent#millisSince}. */
  public CudaEvent createTimingEvent() {
    return CudaEvent.create(this, true);
  }

  /**
   * Compiles a {@code .cu} file for this device and loads it.
   *
   * @throws CompileException with the compiler's own words if it does not compile
   * @throws dev.gridstride.backend.BackendException if no compiler is found
   */
  public CudaModule compile(Path source, CompileOptions options) {
    return load(KernelCompiler.of(device).compile(KernelSource.read(source), options));
  }

  /**
   * Loads compiled kernels.
   *
   * @throws IllegalArgumentException if the image is for another kind of device
   * @throws CudaException if the driver refuses it, with the log of its compiler
   */
  public CudaModule load(KernelImage image) {
    return CudaModule.load(this, image);
  }

  /** Waits for all work of this context. */
  public void synchronize() {
    call("cuCtxSynchronize", () -> "waiting for all work", () -> cuCtxSynchronize());
  }

  /** Waits for all work before something is freed; what fails is logged. Never throws. */
  public void settle() {
    if (!isUsable()) {
      return;
    }
    try {
      synchronize();
    } catch (BackendException e) {
      Log.warn("before closing: " + e.getMessage());
    }
  }

  /** Free memory of the device in bytes, whoever uses the rest. */
  public long freeBytes() {
    long[] free = new long[1];
    long[] total = new long[1];
    call("cuMemGetInfo", () -> "asking for free memory", () -> cuMemGetInfo(free, total));
    return free[0];
  }

  /** Whether an error has ended this context, so that only closing it is left. */
  public boolean isLost() {
    return lost != null;
  }

  /** Whether it is neither closed nor lost. */
  boolean isUsable() {
    return lost == null && handle.isOpen();
  }

  /** Whether both are the same context of the driver. */
  public boolean isSame(CudaContext other) {
    return this == other || isOf(other.context);
  }

  boolean isOf(CUcontext other) {
    return context.equals(other);
  }

  /**
   * Does something with this context current, and makes current again what was so before.
   *
   * @throws IllegalStateException if this context is closed
   * @throws CudaException if the driver refuses it
   */
  public void whileCurrent(Runnable work) {
    if (!handle.isOpen()) {
      handle.requireOpen("use of a context");
    }
    int status = push();
    if (status != Status.SUCCESS) {
      throw failure("cuCtxPushCurrent", status, "making a context current");
    }
    try {
      work.run();
    } finally {
      pop();
    }
  }

  private int push() {
    try {
      return cuCtxPushCurrent(context);
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  private void pop() {
    try {
      cuCtxPopCurrent(popped);
    } catch (jcuda.CudaException e) {
      Log.debug("making the context current that was so before", e);
    }
  }

  /**
   * Makes this context current on the calling thread for a library's call. Makes no objects.
   *
   * @param call its name, for messages
   * @throws IllegalStateException if this context is closed
   * @throws CudaException if the driver refuses it, or an error has ended this context
   */
  public void enter(String call) {
    if (!isUsable()) {
      requireUsable(call, () -> "calling a library");
    }
    int status = setCurrent();
    if (status != Status.SUCCESS) {
      throw failure("cuCtxSetCurrent", status, "calling " + call);
    }
  }

  /**
   * The exception for a library's call that failed.
   *
   * @param call its name, {@code cudnnConvolutionForward}
   * @param status as the library counts
   * @param statusName as the library calls it
   * @param doing with operands and sizes
   */
  public LibraryException libraryFailure(String call, int status, String statusName, String doing) {
    return new LibraryException(
        call, status, statusName, deviceName, doing, Simulator.lastErrorText());
  }

  /** Logs that a library's call failed which was to free something, unless all is lost anyway. */
  public void reportLibraryFailure(String call, int status, String statusName, String doing) {
    if (!isLost()) {
      Log.warn(libraryFailure(call, status, statusName, doing).getMessage());
    }
  }

  /** Makes this context current on the calling thread without making objects. */
  int setCurrent() {
    try {
      return cuCtxSetCurrent(context);
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  /**
   * Calls the driver with this context current.
   *
   * @throws IllegalStateException if this context is closed
   * @throws CudaException if the call fails, or an earlier one has ended this context
   */
  void call(String name, Supplier<String> doing, IntSupplier call) {
    int status = status(name, doing, call);
    if (status != Status.SUCCESS) {
      throw failure(name, status, doing.get());
    }
  }

  /** As {@link #call}, but returns the status of the call itself. */
  int status(String name, Supplier<String> doing, IntSupplier call) {
    requireUsable(name, doing);
    int status = setCurrent();
    if (status != Status.SUCCESS) {
      throw failure("cuCtxSetCurrent", status, doing.get());
    }
    return Status.of(call);
  }

  /** As {@link #call}, for a query: false if the driver says that it is not ready yet. */
  boolean isReady(String name, Supplier<String> doing, IntSupplier call) {
    int status = status(name, doing, call);
    if (status != Status.SUCCESS && status != Status.NOT_READY) {
      throw failure(name, status, doing.get());
    }
    return status == Status.SUCCESS;
  }

  /** Throws if this context is closed or lost. */
  void requireUsable(String name, Supplier<String> doing) {
    if (!handle.isOpen()) {
      handle.requireOpen(doing.get());
    }
    CudaException error = lost;
    if (error != null) {
      String detail = error.detail().isEmpty() ? "" : ": " + error.detail();
      throw new CudaException(
          name,
          error.code(),
          deviceName,
          doing.get(),
          "not called, since the context was lost in " + error.call() + detail);
    }
  }

  /** The exception for a failed call; remembers it if it ends this context. */
  CudaException failure(String name, int status, String doing) {
    return failure(name, status, doing, Simulator.lastErrorText());
  }

  CudaException failure(String name, int status, String doing, String detail) {
    CudaException error = new CudaException(name, status, deviceName, doing, detail);
    if (error.isFatal() && lost == null) {
      lost = error;
    }
    return error;
  }

  /** Adds something that was just opened in this context, whose end would free it. */
  Handle opened(String what, String freeCall, IntSupplier free) {
    return opened(new Handle(what, freeCall, free));
  }

  /** Adds something that was just opened for this context, but that its end does not free. */
  Handle openedApart(String what, String freeCall, IntSupplier free) {
    return opened(new Handle(what, freeCall, free, false));
  }

  private Handle opened(Handle added) {
    synchronized (open) {
      open.add(added);
    }
    return added;
  }

  /** Closes something that is open in this context; nothing if it is closed already. */
  void close(Handle closing) {
    if (closing.markClosed(Handle.caller())) {
      synchronized (open) {
        open.remove(closing);
      }
      if (closing.isOwned()) {
        int status = setCurrent();
        if (status != Status.SUCCESS && !isLost()) {
          closing.report("cuCtxSetCurrent", status, deviceName);
        }
        free(closing);
      }
    }
  }

  private void free(Handle closed) {
    int status = closed.free(deviceName, isLost());
    if (Status.fatal(status)) {
      failure(closed.freeCall(), status, "closing " + closed.what());
    }
    if (status != Status.SUCCESS && !closed.endsWithContext()) {
      synchronized (open) {
        refused.add(closed);
      }
    }
  }

  /**
   * Closes all that is open in this context, newest first, and then the context, unless it is the
   * caller's. Never throws.
   */
  @Override
  public void close() {
    String where = Handle.caller();
    if (!handle.markClosed(where)) {
      return;
    }
    boolean owned = handle.isOwned();
    int status = owned ? setCurrent() : push();
    if (status != Status.SUCCESS && !isLost()) {
      handle.report(owned ? "cuCtxSetCurrent" : "cuCtxPushCurrent", status, deviceName);
    }
    // Without its context a handle may be anything in the context that is current instead.
    boolean mayFree = owned || status == Status.SUCCESS;
    Deque<Handle> children = new ArrayDeque<>();
    synchronized (open) {
      open.forEach(children::push);
      open.clear();
    }
    for (Handle child : children) {
      if (child.markClosed(where + ", with its context") && mayFree) {
        free(child);
      }
    }
    if (mayFree) {
      refused.forEach(again -> again.free(deviceName, isLost()));
    }
    if (owned) {
      handle.free(deviceName, isLost());
    } else if (status == Status.SUCCESS) {
      pop();
    }
  }

  @Override
  public String toString() {
    return handle.what();
  }
}
