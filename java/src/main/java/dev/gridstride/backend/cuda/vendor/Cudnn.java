package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcudnn.JCudnn.cudnnCreate;
import static jcuda.jcudnn.JCudnn.cudnnDestroy;
import static jcuda.jcudnn.JCudnn.cudnnGetErrorString;
import static jcuda.jcudnn.JCudnn.cudnnGetVersion;
import static jcuda.jcudnn.JCudnn.cudnnSetStream;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaException;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.LibraryException;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.CUresult;
import jcuda.jcudnn.cudnnHandle;
import jcuda.runtime.cudaStream_t;

/**
 * A handle of cuDNN, for one context. Calls of it are made by {@link CudnnConvolution} and {@link
 * CudnnOps}. For one thread at a time, as its context's streams are.
 */
public final class Cudnn implements AutoCloseable {
  /** Where a trial's operands begin: at multiples of this. */
  private static final long ALIGNMENT = 256;

  /**
   * JCuda threw an exception instead of returning a status. Of a query of algorithms that fails it
   * does so because the number of results is undefined then.
   */
  private static final int THROWN = -1;

  private final CudaContext context;
  private final cudnnHandle handle = new cudnnHandle();

  /** The stream that the handle works on, or null. */
  private CudaStream bound;

  /** On which calls are tried, or null. */
  private CudaStream trials;

  private boolean closed;

  private Cudnn(CudaContext context) {
    this.context = context;
  }

  /**
   * A handle of the library that is loaded.
   *
   * @throws LibraryException if the library refuses it
   */
  static Cudnn open(CudaContext context) {
    Cudnn cudnn = new Cudnn(context);
    cudnn.call("cudnnCreate", () -> "opening cuDNN", () -> cudnnCreate(cudnn.handle));
    return cudnn;
  }

  /** The library's version, for example {@code 9.5.1}. */
  public String version() {
    long number = cudnnGetVersion();
    return number / 10000 + "." + number / 100 % 100 + "." + number % 100;
  }

  CudaContext context() {
    return context;
  }

  cudnnHandle handle() {
    return handle;
  }

  /**
   * Calls the library with the context current.
   *
   * @throws LibraryException if it fails
   */
  void call(String name, Supplier<String> doing, IntSupplier call) {
    requireOpen(name);
    context.enter(name);
    int status = status(call);
    if (status != 0) {
      throw failure(name, status, doing.get());
    }
  }

  /** As {@link #call}, where nobody can be told but the log; tried twice. Never throws. */
  void callWhileClosing(String name, String doing, IntSupplier call) {
    try {
      context.enter(name);
    } catch (RuntimeException e) {
      // The context is lost or gone; what the library keeps on the host can be freed all the same.
      System.getLogger(Cudnn.class.getPackageName())
          .log(System.Logger.Level.DEBUG, name + " while closing", e);
    }
    int status = status(call);
    if (status != 0) {
      context.reportLibraryFailure(name, status, nameOf(status), doing);
      status(call);
    }
  }

  private static int status(IntSupplier call) {
    try {
      return call.getAsInt();
    } catch (jcuda.CudaException | ArrayIndexOutOfBoundsException e) {
      return THROWN;
    }
  }

  private static String nameOf(int status) {
    return status == THROWN ? "a status that JCudnn hides" : cudnnGetErrorString(status);
  }

  private LibraryException failure(String name, int status, String doing) {
    return context.libraryFailure(name, status, nameOf(status), doing);
  }

  private void requireOpen(String name) {
    if (closed) {
      throw new IllegalStateException(name + ": the handle of cuDNN was closed");
    }
  }

  /** Puts a call on a stream. Makes no objects, unless the stream is another than the last. */
  void enqueue(CudnnCall call, CudaStream stream, DeviceBuffer[] buffers) {
    requireOpen(call.name());
    stream.enter(context, call.name(), buffers);
    if (bound != stream) {
      bound = null;
      int status = status(() -> cudnnSetStream(handle, new cudaStream_t(stream.driverStream())));
      if (status != 0) {
        throw failure("cudnnSetStream", status, call.doing());
      }
      bound = stream;
    }
    int status;
    try {
      status = call.run(buffers);
    } catch (jcuda.CudaException e) {
      status = THROWN;
    }
    if (status != 0) {
      throw failure(call.name(), status, call.doing());
    }
  }

  /**
   * Why the library does not take a call with these types, sizes and orders; null if it does.
   * Whether it does is not all to be asked in advance, so the call is recorded on memory of its
   * own, and the recording is dropped. What a library does at its first call may not be possible in
   * a recording: then the call runs once. Without memory for all that, null.
   *
   * @param call made by this handle
   * @param bytes sizes of its operands; 0 for what is left out
   * @throws LibraryException if the call fails in another way
   */
  public String refusal(LibraryCall call, long... bytes) {
    long all = ALIGNMENT;
    for (long one : bytes) {
      all = Math.addExact(all, aligned(one));
    }
    try (DeviceBuffer memory = context.allocate(all, "trial of " + call)) {
      DeviceBuffer[] operands = new DeviceBuffer[bytes.length];
      long offset = 0;
      for (int i = 0; i < bytes.length; i++) {
        operands[i] = bytes[i] == 0 ? DeviceBuffer.NULL : memory.slice(offset, bytes[i]);
        offset += aligned(bytes[i]);
      }
      if (trials == null) {
        trials = context.createNonBlockingStream();
      }
      if (!isRecorded(call, operands)) {
        memory.fill((byte) 0, trials);
        call.enqueue(trials, operands);
        trials.synchronize();
      }
      return null;
    } catch (LibraryException e) {
      if (isRefusal(e)) {
        return e.getMessage();
      }
      throw e;
    } catch (CudaException e) {
      if (e.code() == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
        return null;
      }
      throw e;
    }
  }

  /** Whether a recording takes the call. */
  private boolean isRecorded(LibraryCall call, DeviceBuffer[] operands) {
    trials.beginCapture();
    boolean complete = false;
    try {
      call.enqueue(trials, operands);
      trials.endCapture().close();
      complete = true;
      return true;
    } catch (LibraryException e) {
      if (isRefusal(e)) {
        throw e;
      }
      failedWhileRecorded(call, e);
      return false;
    } catch (CudaException e) {
      if (e.isFatal()) {
        throw e;
      }
      failedWhileRecorded(call, e);
      return false;
    } finally {
      if (!complete) {
        trials.abandonCapture();
      }
    }
  }

  /** What is no refusal is told, since the run after it may well succeed. */
  private static void failedWhileRecorded(LibraryCall call, BackendException e) {
    System.getLogger(Cudnn.class.getPackageName())
        .log(
            System.Logger.Level.WARNING,
            "cuDNN failed while "
                + call
                + " was recorded, and is tried in a run: "
                + e.getMessage());
  }

  /**
   * Whether a failed call says that the library does not take what it was given: {@code
   * CUDNN_STATUS_NOT_SUPPORTED}, {@code CUDNN_STATUS_BAD_PARAM} and their kinds. What one version
   * takes, another may not.
   */
  public static boolean isRefusal(LibraryException e) {
    return e.status() / 1000 == 2 || e.status() / 1000 == 3;
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Closes the handle. Never throws; a second call does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (trials != null) {
        trials.close();
      }
      callWhileClosing("cudnnDestroy", "closing cuDNN", () -> cudnnDestroy(handle));
    }
  }

  @Override
  public String toString() {
    return "cuDNN " + version() + ", " + context;
  }
}
