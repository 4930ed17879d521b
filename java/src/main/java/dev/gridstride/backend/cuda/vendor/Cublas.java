package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasSetAtomicsMode;
import static jcuda.jcublas.JCublas2.cublasSetMathMode;
import static jcuda.jcublas.JCublas2.cublasSetPointerMode;
import static jcuda.jcublas.JCublas2.cublasSetStream;
import static jcuda.jcublas.JCublas2.cublasSetWorkspace;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.LibraryException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntSupplier;
import jcuda.jcublas.cublasAtomicsMode;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasPointerMode;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;

/**
 * A handle of cuBLAS, for one context. For one thread at a time, as its context's streams are.
 *
 * <p>Results have the same bits every time: no atomics, sums of a product's parts in float32 and in
 * a workspace of the caller's, so that work on several streams shares nothing. TF32 is used where a
 * product asks for it, and nowhere else.
 */
public final class Cublas implements AutoCloseable {
  /** What NVIDIA recommends for a product of any size. */
  private static final long WORKSPACE_HOPPER = 32L << 20;

  private static final long WORKSPACE = 4L << 20;

  /** Beside sums of parts of k: counters and the like. */
  private static final long LEAST_WORKSPACE = 512L << 10;

  /** Products that a part of k has at least, and parts that there are at most. */
  private static final long PART = 64;

  private static final long MOST_PARTS = 128;
  private static final int HOPPER = 9;

  /** JCuda threw, and what it threw has the name of no status. */
  private static final int THROWN = -1;

  private static final Map<String, Integer> NUMBERS = numbers();

  private final CudaContext context;
  private final LibraryVersion version;
  private final cublasHandle handle = new cublasHandle();

  /** The stream that work went to last, and JCuda's name for it. */
  private CudaStream stream;

  private cudaStream_t runtimeStream;
  private boolean closed;

  private Cublas(CudaContext context, LibraryVersion version) {
    this.context = context;
    this.version = version;
  }

  /**
   * A handle of the library that is loaded.
   *
   * @throws LibraryException if the library refuses it
   */
  static Cublas open(CudaContext context, LibraryVersion version) {
    Cublas cublas = new Cublas(context, version);
    cublas.call("cublasCreate", () -> cublasCreate(cublas.handle));
    boolean complete = false;
    try {
      cublas.call(
          "cublasSetPointerMode",
          () -> cublasSetPointerMode(cublas.handle, cublasPointerMode.CUBLAS_POINTER_MODE_HOST));
      cublas.call(
          "cublasSetAtomicsMode",
          () -> cublasSetAtomicsMode(cublas.handle, cublasAtomicsMode.CUBLAS_ATOMICS_NOT_ALLOWED));
      cublas.call(
          "cublasSetMathMode",
          () ->
              cublasSetMathMode(
                  cublas.handle,
                  cublasMath.CUBLAS_DEFAULT_MATH
                      | cublasMath.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
      complete = true;
    } finally {
      if (!complete) {
        cublas.close();
      }
    }
    return cublas;
  }

  private static Map<String, Integer> numbers() {
    Map<String, Integer> numbers = new HashMap<>();
    for (int status = 0; status <= cublasStatus.CUBLAS_STATUS_NOT_SUPPORTED; status++) {
      numbers.put(cublasStatus.stringFor(status), status);
    }
    return numbers;
  }

  /** The library's version, for example {@code 12.6.4}. */
  public String version() {
    return version.toString();
  }

  /**
   * A product, to be enqueued with y, a, b and a workspace of {@link #workspaceBytes} as buffers.
   */
  public LibraryCall gemm(Gemm gemm) {
    return new GemmCall(this, gemm);
  }

  /**
   * The workspace that a product is given, at a multiple of 256 bytes: as NVIDIA recommends, less
   * where the sums of all parts into which cuBLAS may split k are less.
   */
  public long workspaceBytes(Gemm gemm) {
    long most =
        context.device().computeCapability().major() >= HOPPER ? WORKSPACE_HOPPER : WORKSPACE;
    long parts = Math.min(gemm.k() / PART + 1, MOST_PARTS);
    double sums = (double) Float.BYTES * gemm.m() * gemm.n() * gemm.batch() * parts;
    return Math.min(most, LEAST_WORKSPACE + (long) Math.min((double) most, sums));
  }

  private void call(String name, IntSupplier call) {
    context.enter(name);
    int status;
    try {
      status = call.getAsInt();
    } catch (jcuda.CudaException e) {
      status = number(e);
    }
    if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      throw failure(
          name, status, "opening cuBLAS " + version + " with " + context.device().driver());
    }
  }

  private LibraryException failure(String name, int status, String doing) {
    return context.libraryFailure(name, status, nameOf(status), doing);
  }

  private static String nameOf(int status) {
    return status == THROWN ? "a failure that JCublas threw" : cublasStatus.stringFor(status);
  }

  /** The number of what JCuda threw, where the program has switched its exceptions on. */
  private static int number(jcuda.CudaException thrown) {
    return NUMBERS.getOrDefault(thrown.getMessage(), THROWN);
  }

  /** Puts a product on a stream. Makes no objects, unless the stream is another than the last. */
  void enqueue(GemmCall call, CudaStream to, DeviceBuffer[] buffers) {
    if (closed) {
      throw new IllegalStateException(call.function() + ": the handle of cuBLAS was closed");
    }
    to.enter(context, call.function(), buffers);
    String name = "cublasSetStream";
    int status;
    try {
      if (stream != to) {
        runtimeStream = new cudaStream_t(to.driverStream());
        stream = to;
      }
      // Each time: it makes cuBLAS forget the last call's workspace, which may be gone.
      status = cublasSetStream(handle, runtimeStream);
      if (status == cublasStatus.CUBLAS_STATUS_SUCCESS) {
        name = "cublasSetWorkspace";
        DeviceBuffer workspace = buffers[buffers.length - 1];
        status = cublasSetWorkspace(handle, workspace.driverPointer(), workspace.bytes());
      }
      if (status == cublasStatus.CUBLAS_STATUS_SUCCESS) {
        name = call.function();
        status = call.run(handle, buffers);
      }
    } catch (jcuda.CudaException e) {
      status = number(e);
    }
    if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      throw failure(name, status, call.doing());
    }
  }

  /** Frees the handle. Never throws; a second call does nothing. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    int status;
    try {
      context.enter("cublasDestroy");
      status = cublasDestroy(handle);
    } catch (jcuda.CudaException e) {
      status = number(e);
    } catch (RuntimeException e) {
      // The context is lost or gone, and the handle's memory with it.
      System.getLogger(Cublas.class.getPackageName())
          .log(System.Logger.Level.DEBUG, "closing cuBLAS", e);
      return;
    }
    if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      context.reportLibraryFailure("cublasDestroy", status, nameOf(status), "closing cuBLAS");
    }
  }
}
