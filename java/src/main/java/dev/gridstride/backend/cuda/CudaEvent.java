package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventElapsedTime;
import static jcuda.driver.JCudaDriver.cuEventQuery;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;

import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;

/** A point in a stream's work that others can wait for. */
public final class CudaEvent implements AutoCloseable {
  private static final String RECORDING = "recording an event";
  private static final String WAITING = "waiting for an event";
  private static final String ASKING = "asking whether an event has happened";

  private final CudaContext context;
  private final CUevent event;
  private final Handle handle;

  /** The recording that the point lies in, or null. */
  private Capture capture;

  private CudaEvent(CudaContext context, CUevent event) {
    this.context = context;
    this.event = event;
    this.handle = context.opened("event", "cuEventDestroy", () -> cuEventDestroy(event));
    handle.watch(this);
  }

  static CudaEvent create(CudaContext context, boolean timing) {
    CUevent event = new CUevent();
    int flags =
        timing
            ? CUevent_flags.CU_EVENT_DEFAULT
            : CUevent_flags.CU_EVENT_DISABLE_TIMING | CUevent_flags.CU_EVENT_BLOCKING_SYNC;
    context.call("cuEventCreate", () -> "making an event", () -> cuEventCreate(event, flags));
    return new CudaEvent(context, event);
  }

  /** Moves it to the end of what was put into {@code stream} so far. Makes no objects. */
  public void record(CudaStream stream) {
    stream.requireUsableIn(context, RECORDING);
    enter("cuEventRecord", RECORDING);
    check("cuEventRecord", RECORDING, recordIn(stream));
    capture = stream.capture();
  }

  private int recordIn(CudaStream stream) {
    try {
      return cuEventRecord(event, stream.stream());
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  /**
   * Waits until the work before it is done; at once if it was never recorded. Makes no objects.
   * Errors of that work surface here.
   */
  public void synchronize() {
    enter("cuEventSynchronize", WAITING);
    check("cuEventSynchronize", WAITING, await());
  }

  private int await() {
    try {
      return cuEventSynchronize(event);
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  /** Whether the work before it is done. Makes no objects. */
  public boolean isDone() {
    enter("cuEventQuery", ASKING);
    int status = query();
    if (status == Status.NOT_READY) {
      return false;
    }
    check("cuEventQuery", ASKING, status);
    return true;
  }

  private int query() {
    try {
      return cuEventQuery(event);
    } catch (jcuda.CudaException e) {
      return Status.number(e);
    }
  }

  private void enter(String call, String doing) {
    handle.requireOpen(doing);
    if (!context.isUsable()) {
      context.requireUsable(call, () -> doing);
    }
    check("cuCtxSetCurrent", doing, context.setCurrent());
  }

  private void check(String call, String doing, int status) {
    if (status != Status.SUCCESS) {
      throw context.failure(call, status, doing);
    }
  }

  /**
   * Milliseconds between {@code start} and this event, both made with {@link
   * CudaContext#createTimingEvent} and done. The simulated device's times mean nothing.
   *
   * @throws CudaException if one has no time or is not done
   */
  public float millisSince(CudaEvent start) {
    start.requireUsableIn(context, "time between events");
    float[] millis = new float[1];
    call(
        "cuEventElapsedTime",
        () -> "time between events",
        () -> cuEventElapsedTime(millis, start.event, event));
    return millis[0];
  }

  CUevent event() {
    return event;
  }

  /** The recording that it lies in if that still goes on, or null. */
  Capture capture() {
    return capture != null && capture.isOpen() ? capture : null;
  }

  void requireUsableIn(CudaContext other, String doing) {
    handle.requireOpen(doing);
    if (!context.isSame(other)) {
      throw new IllegalArgumentException(
          doing
              + ": the event belongs to another context; kernels, buffers, streams and events that work together"
              + " must be of one CudaContext");
    }
  }

  private void call(String name, Supplier<String> doing, IntSupplier call) {
    if (!handle.isOpen()) {
      handle.requireOpen(doing.get());
    }
    context.call(name, doing, call);
  }

  /** Frees it. Never throws. */
  @Override
  public void close() {
    context.close(handle);
  }
}
