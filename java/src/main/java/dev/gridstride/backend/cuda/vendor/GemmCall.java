package dev.gridstride.backend.cuda.vendor;

import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcublas.JCublas2.cublasGemmStridedBatchedEx_new;

import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;

/**
 * A {@link Gemm} on a handle. cuBLAS's matrices are column-major, and a row-major matrix is the
 * column-major one of its transpose: so it is asked for {@code y^T = op(b)^T op(a)^T}, the factors
 * changed about, and each stays transposed or not as it was.
 */
final class GemmCall implements LibraryCall {
  private static final Pointer ONE = scalar(1);
  private static final Pointer ZERO = scalar(0);

  private final Cublas cublas;
  private final Gemm gemm;

  GemmCall(Cublas cublas, Gemm gemm) {
    this.cublas = cublas;
    this.gemm = gemm;
  }

  /** In memory of the host, which cuBLAS reads during the call. */
  private static Pointer scalar(float value) {
    ByteBuffer memory = ByteBuffer.allocateDirect(Float.BYTES).order(ByteOrder.nativeOrder());
    memory.putFloat(0, value);
    return Pointer.to(memory);
  }

  private static int operation(Gemm.Operand operand) {
    return operand.transposed() ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
  }

  /** Of y, a, b and the workspace. */
  @Override
  public void enqueue(CudaStream stream, DeviceBuffer[] buffers) {
    cublas.enqueue(this, stream, buffers);
  }

  /** Calls the library, and returns its status. */
  int run(cublasHandle handle, DeviceBuffer[] buffers) {
    Pointer y = buffers[0].driverPointer();
    Pointer a = buffers[1].driverPointer();
    Pointer b = buffers[2].driverPointer();
    int factors = gemm.arithmetic().dataType();
    int compute = gemm.arithmetic().computeType();
    if (gemm.batch() == 1) {
      return cublasGemmEx_new(
          handle,
          operation(gemm.b()),
          operation(gemm.a()),
          gemm.n(),
          gemm.m(),
          gemm.k(),
          ONE,
          b,
          factors,
          gemm.b().pitch(),
          a,
          factors,
          gemm.a().pitch(),
          ZERO,
          y,
          gemm.resultType(),
          gemm.y().pitch(),
          compute,
          cublasGemmAlgo.CUBLAS_GEMM_DEFAULT);
    }
    return cublasGemmStridedBatchedEx_new(
        handle,
        operation(gemm.b()),
        operation(gemm.a()),
        gemm.n(),
        gemm.m(),
        gemm.k(),
        ONE,
        b,
        factors,
        gemm.b().pitch(),
        gemm.b().stride(),
        a,
        factors,
        gemm.a().pitch(),
        gemm.a().stride(),
        ZERO,
        y,
        gemm.resultType(),
        gemm.y().pitch(),
        gemm.y().stride(),
        gemm.batch(),
        compute,
        cublasGemmAlgo.CUBLAS_GEMM_DEFAULT);
  }

  String function() {
    return gemm.function();
  }

  String doing() {
    return "multiplying matrices, " + gemm;
  }

  @Override
  public String toString() {
    return gemm.function() + ", " + gemm;
  }

  /** Nothing to free. */
  @Override
  public void close() {}
}
