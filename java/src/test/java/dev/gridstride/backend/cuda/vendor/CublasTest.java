package dev.gridstride.backend.cuda.vendor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaGraph;
import dev.gridstride.backend.cuda.CudaGraphExec;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.LibraryException;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.backend.cuda.vendor.Gemm.Arithmetic;
import dev.gridstride.backend.cuda.vendor.Gemm.Operand;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products by cuBLAS: which element goes where, streams, graphs, and calls that fail. */
class CublasTest {
  private static final int M = 3;
  private static final int N = 5;
  private static final int K = 2;

  private CudaContext context;
  private VendorLibraries libraries;
  private CudaStream stream;
  private long handles;

  @BeforeEach
  void open() {
    Simulated.require();
    handles = Math.max(0, Simulator.get().count("cublas_handles"));
    context = CudaDriver.simulated().device(0).createContext();
    libraries = new VendorLibraries(context);
    stream = context.createStream();
  }

  @AfterEach
  void close() {
    if (context != null) {
      Simulator.get().clearFaults();
      libraries.close();
      context.close();
      assertEquals(
          handles, Math.max(0, Simulator.get().count("cublas_handles")), "handles now and before");
      assertEquals(0, Simulator.get().count("allocations"), "memory that is still there");
    }
  }

  /** Element [row, column] of a matrix, unlike any other. */
  private static float element(int row, int column) {
    return 10 * row + column + 1;
  }

  private static float[] matrix(int rows, int columns, boolean transposed) {
    float[] all = new float[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        all[transposed ? j * rows + i : i * columns + j] = element(i, j);
      }
    }
    return all;
  }

  private static float[] product() {
    float[] y = new float[M * N];
    for (int i = 0; i < M; i++) {
      for (int j = 0; j < N; j++) {
        for (int p = 0; p < K; p++) {
          y[i * N + j] += element(i, p) * element(p, j);
        }
      }
    }
    return y;
  }

  private DeviceBuffer of(float[] values) {
    DeviceBuffer buffer = context.allocate(4L * values.length);
    buffer.write(values);
    return buffer;
  }

  private DeviceBuffer[] buffers(DeviceBuffer y, DeviceBuffer a, DeviceBuffer b) {
    return new DeviceBuffer[] {y, a, b, context.allocate(1 << 20, "workspace")};
  }

  @ParameterizedTest
  @CsvSource({"false,false,FLOAT32", "true,false,TF32", "false,true,FLOAT32", "true,true,FLOAT32"})
  void rowsAndColumnsAreWhereTheyBelong(boolean ta, boolean tb, Arithmetic arithmetic) {
    LibraryCall call = libraries.cublas().gemm(Gemm.of(M, N, K, ta, tb, arithmetic, false));
    DeviceBuffer y = context.allocate(4L * M * N);
    call.enqueue(stream, buffers(y, of(matrix(M, K, ta)), of(matrix(K, N, tb))));
    stream.synchronize();
    assertArrayEquals(product(), y.read(new float[M * N]));
    assertTrue(call.toString().startsWith("cublasGemmEx, 3x5 = "), call.toString());
  }

  /** Two groups of channels: [pixels, 2 x K] times [K, 1] each, to [pixels, 2]. */
  @Test
  void productsLieAtEqualDistances() {
    Gemm gemm =
        new Gemm(
            M,
            1,
            K,
            new Operand(false, 2 * K, K),
            new Operand(true, K, K),
            new Operand(false, 2, 1),
            Arithmetic.FLOAT32,
            false,
            2);
    DeviceBuffer y = context.allocate(4L * M * 2);
    DeviceBuffer x = of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    DeviceBuffer w = of(new float[] {1, 10, 100, 1000});
    LibraryCall call = libraries.cublas().gemm(gemm);
    call.enqueue(stream, buffers(y, x, w));
    stream.synchronize();
    assertArrayEquals(new float[] {21, 4300, 65, 8700, 109, 13100}, y.read(new float[M * 2]));
    assertTrue(call.toString().startsWith("cublasGemmStridedBatchedEx, 2 times "), "" + call);
  }

  @Test
  void aGraphRepeatsIt() {
    DeviceBuffer a = of(new float[] {2});
    DeviceBuffer y = context.allocate(4);
    DeviceBuffer[] all = buffers(y, a, a);
    LibraryCall call =
        libraries.cublas().gemm(Gemm.of(1, 1, 1, false, false, Arithmetic.FLOAT32, false));
    stream.beginCapture();
    call.enqueue(stream, all);
    try (CudaGraph graph = stream.endCapture();
        CudaGraphExec replay = graph.instantiate()) {
      for (float value : new float[] {3, 4}) {
        a.write(new float[] {value});
        replay.launch(stream);
        stream.synchronize();
        assertEquals(value * value, y.read(new float[1])[0]);
      }
      a.close();
      assertThrows(IllegalStateException.class, () -> replay.launch(stream));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "cublasCreate_v2,3,CUBLAS_STATUS_ALLOC_FAILED",
    "cublasSetMathMode,1,CUBLAS_STATUS_NOT_INITIALIZED",
    "cublasSetStream_v2,13,CUBLAS_STATUS_EXECUTION_FAILED",
    "cublasSetWorkspace_v2,7,CUBLAS_STATUS_INVALID_VALUE",
    "cublasGemmEx,15,CUBLAS_STATUS_NOT_SUPPORTED"
  })
  void aFailureNamesCallStatusDeviceAndSizes(String function, int status, String name) {
    Simulator.get().fault(function, 1, status);
    LibraryException e =
        assertThrows(
            LibraryException.class,
            () -> {
              DeviceBuffer a = of(new float[6]);
              libraries
                  .cublas()
                  .gemm(Gemm.of(2, 2, 3, false, false, Arithmetic.FLOAT32, false))
                  .enqueue(stream, buffers(context.allocate(16), a, a));
            });
    String call = function.replace("_v2", "");
    assertEquals(call, e.call());
    assertEquals(status, e.status());
    String text = e.getMessage();
    assertTrue(
        text.startsWith(call + " failed: " + name + " (" + status + ") on device 0 ("), text);
    if (!function.equals("cublasCreate_v2") && !function.equals("cublasSetMathMode")) {
      assertTrue(text.contains("multiplying matrices, 2x2 = 2x3 3x2, float32"), text);
    }
  }

  @Test
  void whatWasClosedIsNotUsed() {
    Cublas cublas = libraries.cublas();
    DeviceBuffer a = of(new float[1]);
    DeviceBuffer[] all = buffers(context.allocate(4), a, a);
    LibraryCall call = cublas.gemm(Gemm.of(1, 1, 1, false, false, Arithmetic.FLOAT32, false));
    a.close();
    assertThrows(IllegalStateException.class, () -> call.enqueue(stream, all));
    cublas.close();
    cublas.close();
    assertThrows(IllegalStateException.class, () -> call.enqueue(stream, all));
  }
}
