package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamIsCapturing;
import static jcuda.driver.JCudaDriver.cuStreamQuery;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;

import dev.gridstride.backend.BackendException;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.CUgraph;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstreamCaptureStatus;
import jcuda.driver.CUstream_flags;

/**
 * A queue of work on a device: what is put in runs in order, some time later. Work of different
 * streams runs in any order unless an event says otherwise.
 */
public final class CudaStream implements AutoCloseable {
  private final CudaContext context;
  private final CUstream stream;
  private final Handle handle;

  /** Host memory that copies under way still use. */
  private final Set<ByteBuffer> inUse = Collections.newSetFromMap(new IdentityHashMap<>());

  /** The recording that work put in goes to instead of the device, or null. */
  private Capture capture;

  private CudaStream(CudaContext context, CUstream stream, Handle handle) {
    this.context = context;
    this.stream = stream;
    this.handle = handle;
  }

  static CudaStream create(CudaContext context, boolean blocking) {
    CUstream stream = new CUstream();
    int flags = blocking ? CUstream_flags.CU_STREAM_DEFAULT : CUstream_flags.CU_STREAM_NON_BLOCKING;
    context.call("cuStreamCreate", () -> "opening a stream", () -> cuStreamCreate(stream, flags));
    Handle handle = context.opened("stream", "cuStreamDestroy", () -> cuStreamDestroy(stream));
    CudaStream created = new CudaStream(context, stream, handle);
    handle.watch(created);
    return created;
  }

  /** A stream of the caller. */
  static CudaStream wrap(CudaContext context, CUstream stream) {
    Foreign.requireStreamOf(context, stream);
    return new CudaStream(context, stream, Handle.foreign("the caller's stream"));
  }

  /** The context it works in. */
  public CudaContext context() {
    return context;
  }

  /** Waits until all work put in so far is done. Errors of that work surface here. */
  public void synchronize() {
    call("cuStreamSynchronize", () -> "waiting for a stream", () -> cuStreamSynchronize(stream));
    inUse.clear();
  }

  /**
   * As {@link #synchronize} before something is closed: what goes wrong is logged, unless the
   * context was lost before. Never throws.
   */
  public void settle() {
    if (!handle.isOpen() || context.isLost()) {
      return;
    }
    try {
      synchronize();
    } catch (BackendException e) {
      Log.warn("before closing: " + e.getMessage());
    }
  }

  /** Whether all work put in so far is done. */
  public boolean isDone() {
    Supplier<String> doing = () -> "asking whether a stream is done";
    handle.requireOpen(doing.get());
    return context.isReady("cuStreamQuery", doing, () -> cuStreamQuery(stream));
  }

  /** Work put in from now on waits for what {@code event} has recorded last. */
  public void waitFor(CudaEvent event) {
    event.requireUsableIn(context, "wait of a stream");
    call(
        "cuStreamWaitEvent",
        () -> "making a stream wait for an event",
        () -> cuStreamWaitEvent(stream, event.event(), 0));
    if (event.capture() != null) {
      join(event.capture());
    }
  }

  /**
   * Begins to record: work put in from now on goes into a graph and does not run. Other streams
   * join by waiting for an event of this one, and must be joined again before the end.
   *
   * @throws CudaException if it is recording already
   */
  public void beginCapture() {
    call(
        "cuStreamBeginCapture",
        () -> "beginning to record a graph",
        () ->
            cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    join(new Capture());
  }

  /**
   * Ends the recording.
   *
   * @throws CudaException if there is none, a joined stream was not joined again, or a call was not
   *     permitted in a recording; the recording is then lost
   */
  public CudaGraph endCapture() {
    CUgraph graph = new CUgraph();
    Capture ended = capture;
    try {
      call(
          "cuStreamEndCapture",
          () -> "ending the recording of a graph",
          () -> cuStreamEndCapture(stream, graph));
    } finally {
      if (ended != null) {
        ended.end();
      }
    }
    return new CudaGraph(context, graph, ended == null ? new Capture() : ended);
  }

  /** Gives up a recording, if there is one. Never throws. */
  public void abandonCapture() {
    if (capture != null) {
      capture.end();
    }
    CUgraph graph = new CUgraph();
    if (context.setCurrent() == Status.SUCCESS
        && Status.of(() -> cuStreamEndCapture(stream, graph)) == Status.SUCCESS) {
      Status.of(() -> cuGraphDestroy(graph));
    }
  }

  /**
   * Whether work put in goes into a graph: because of {@link #beginCapture}, or because the caller
   * is capturing a stream of its own.
   */
  public boolean isCapturing() {
    if (capture != null || handle.isOwned()) {
      return capture != null;
    }
    int[] status = new int[1];
    call(
        "cuStreamIsCapturing",
        () -> "asking whether a stream is captured",
        () -> cuStreamIsCapturing(stream, status));
    return status[0] != CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE;
  }

  private void join(Capture joined) {
    capture = joined;
    joined.add(this);
  }

  void leaveCapture() {
    capture = null;
  }

  Capture capture() {
    return capture;
  }

  /** Notes that work put in uses memory, so that a recording can tell whether it still exists. */
  void uses(Handle memory) {
    if (capture != null) {
      capture.uses(memory);
    }
  }

  /** Keeps host memory from being collected until the next {@link #synchronize}. */
  void uses(ByteBuffer host) {
    inUse.add(host);
  }

  CUstream stream() {
    return stream;
  }

  /** The driver's own stream, for a library's calls after {@link #enter}. */
  public CUstream driverStream() {
    return stream;
  }

  /**
   * Makes ready for a library's call that puts work into this stream: its context is current
   * afterwards, and a recording that is going on knows the memory. Makes no objects.
   *
   * @param user the context that the library was opened for
   * @param call its name, for messages
   * @param buffers what it works on; {@link DeviceBuffer#NULL} for what is left out
   * @throws IllegalStateException if the stream, its context or a buffer is closed
   * @throws IllegalArgumentException if one of them is of another context
   */
  public void enter(CudaContext user, String call, DeviceBuffer[] buffers) {
    if (!isUsableIn(user)) {
      requireUsableIn(user, call);
    }
    user.enter(call);
    for (int i = 0; i < buffers.length; i++) {
      DeviceBuffer buffer = buffers[i];
      if (buffer != DeviceBuffer.NULL) {
        if (!buffer.isUsableIn(user)) {
          buffer.requireUsableIn(user, call);
        }
        uses(buffer.handle());
      }
    }
  }

  /** Whether neither it nor its context was closed here. */
  public boolean isOpen() {
    return handle.isOpen();
  }

  boolean isUsableIn(CudaContext other) {
    return handle.isOpen() && context.isSame(other) && context.isUsable();
  }

  void requireUsableIn(CudaContext other, String doing) {
    handle.requireOpen(doing);
    if (!context.isSame(other)) {
      throw new IllegalArgumentException(
          doing
              + ": the stream belongs to another context; kernels, buffers, streams and events that work together"
              + " must be of one CudaContext");
    }
  }

  void call(String name, Supplier<String> doing, IntSupplier call) {
    if (!handle.isOpen()) {
      handle.requireOpen(doing.get());
    }
    context.call(name, doing, call);
  }

  /** Frees it, unless it is the caller's; work put in still runs. Never throws. */
  @Override
  public void close() {
    context.close(handle);
  }
}
