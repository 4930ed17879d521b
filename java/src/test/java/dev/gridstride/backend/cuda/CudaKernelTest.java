package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Launches: what fits runs, what does not is told before anything runs. */
class CudaKernelTest {
  private static final int N = 300;

  private CudaContext context;
  private CudaStream stream;
  private CudaModule module;

  @BeforeEach
  void open() {
    context = Simulated.open();
    stream = context.createStream();
    module = Simulated.launches(context);
  }

  @AfterEach
  void close() {
    if (context != null) {
      context.close();
      Simulator.get().clearFaults();
    }
  }

  private DeviceBuffer floats(int count, float value) {
    float[] values = new float[count];
    java.util.Arrays.fill(values, value);
    DeviceBuffer buffer = context.allocate(4L * count);
    buffer.write(values);
    return buffer;
  }

  private static String refused(org.junit.jupiter.api.function.Executable launch) {
    long before = Simulator.get().count("cuLaunchKernel");
    String message = assertThrows(IllegalArgumentException.class, launch).getMessage();
    assertEquals(before, Simulator.get().count("cuLaunchKernel"), "the driver was called");
    return message;
  }

  @Test
  void launchesAndReads() {
    DeviceBuffer y = floats(N, 1);
    DeviceBuffer x = floats(N, 2);
    module.kernel("saxpy").launch(stream, Dim.blocks(N, 128), Dim.of(128), 0, y, x, 3f, N);
    float[] result = y.read(new float[N]);
    for (float value : result) {
      assertEquals(7f, value);
    }
  }

  @Test
  void everyKindOfParameterArrives() {
    DeviceBuffer out = context.allocate(80);
    ByteBuffer window = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
    window.putInt(0, 5).putDouble(8, 6.5).put(16, (byte) 7);
    CudaKernel kernel = module.kernel("kinds");
    kernel.launch(
        stream,
        Dim.of(1),
        Dim.of(1),
        0,
        out,
        (byte) -1,
        2.5,
        (short) -3,
        4.5f,
        1L << 40,
        true,
        window,
        9);
    assertArrayEquals(
        new double[] {-1, 2.5, -3, 4.5, 1L << 40, 1, 5, 6.5, 7, 9}, out.read(new double[10]));
    assertEquals(
        "kinds(double* out, char a, double b, short c, float d, long long e, bool f, Window w,"
            + " unsigned g)",
        kernel.toString());
  }

  @Test
  void anIntWidensToALongAndNothingElseIsConverted() {
    DeviceBuffer out = context.allocate(80);
    ByteBuffer window = ByteBuffer.allocate(24);
    CudaKernel kernel = module.kernel("kinds");
    kernel.launch(
        stream, Dim.of(1), Dim.of(1), 0, out, (byte) 0, 0.0, (short) 0, 0f, -5, true, window, 0);
    assertEquals(-5, out.read(new double[5])[4]);
    assertEquals(
        "kinds: argument 9 (unsigned g): expected an int, got long 0",
        refused(
            () ->
                kernel.prepare(
                    Dim.of(1), Dim.of(1), 0, out, (byte) 0, 0.0, (short) 0, 0f, 0, true, window,
                    0L)));
    assertEquals(
        "kinds: argument 8 (Window w): expected a ByteBuffer of 24 bytes, got a ByteBuffer of 23"
            + " bytes",
        refused(
            () ->
                kernel.prepare(
                    Dim.of(1),
                    Dim.of(1),
                    0,
                    out,
                    (byte) 0,
                    0.0,
                    (short) 0,
                    0f,
                    0,
                    true,
                    ByteBuffer.allocate(23),
                    0)));
  }

  @Test
  void argumentsAreCounted() {
    DeviceBuffer y = floats(N, 1);
    assertEquals(
        "saxpy(float* y, float* x, float a, int n): expected 4 arguments, got 3",
        refused(() -> module.kernel("saxpy").launch(stream, Dim.of(1), Dim.of(32), 0, y, y, 1f)));
    assertEquals(
        "empty(): expected 0 arguments, got 1",
        refused(() -> module.kernel("empty").launch(stream, Dim.of(1), Dim.of(32), 0, 1)));
  }

  @Test
  void argumentsOfTheWrongTypeAreNamed() {
    DeviceBuffer y = floats(N, 1);
    CudaKernel saxpy = module.kernel("saxpy");
    Object[][] bad = {
      {y, y, 2, N, "saxpy: argument 3 (float a): expected a float, got int 2"},
      {y, y, 2.0, N, "saxpy: argument 3 (float a): expected a float, got double 2.0"},
      {y, y, 2f, 3f, "saxpy: argument 4 (int n): expected an int, got float 3.0"},
      {y, y, 2f, y, "saxpy: argument 4 (int n): expected an int, got the buffer " + y},
      {y, 7L, 2f, N, "saxpy: argument 2 (float* x): expected a DeviceBuffer, got long 7"},
      {
        null,
        y,
        2f,
        N,
        "saxpy: argument 1 (float* y): expected a DeviceBuffer, got null (the null pointer is"
            + " DeviceBuffer.NULL)"
      },
      {y, y, "two", N, "saxpy: argument 3 (float a): expected a float, got String two"},
    };
    for (Object[] row : bad) {
      assertEquals(
          row[4],
          refused(
              () ->
                  saxpy.launch(stream, Dim.of(3), Dim.of(128), 0, row[0], row[1], row[2], row[3])));
    }
  }

  @Test
  void theNullPointerIsPassedAsSuch() {
    DeviceBuffer y = floats(N, 1);
    module.kernel("add_bias").launch(stream, Dim.of(3), Dim.of(128), 0, y, DeviceBuffer.NULL, N);
    assertEquals(0f, y.read(new float[1])[0]);
  }

  @Test
  void closedBuffersAreRefusedWhenPreparedAndWhenLaunched() {
    DeviceBuffer y = floats(N, 1);
    DeviceBuffer x = floats(N, 1);
    PreparedLaunch launch =
        module.kernel("saxpy").prepare(Dim.of(3), Dim.of(128), 0, y, x.slice(0, 4L * N), 1f, N);
    launch.launch(stream);
    x.close();
    IllegalStateException error =
        assertThrows(IllegalStateException.class, () -> launch.launch(stream));
    assertTrue(
        error
            .getMessage()
            .startsWith("saxpy: argument 2 (float* x): buffer (1200 bytes) was closed at "),
        error.getMessage());
    assertThrows(IllegalStateException.class, () -> launch.set(1, x));
    launch.set(1, y);
    launch.launch(stream);
    assertEquals(4f, y.read(new float[1])[0]);
  }

  @Test
  void buffersAndStreamsOfAnotherContextAreRefused() {
    DeviceBuffer y = floats(N, 1);
    try (CudaContext other = Simulated.open()) {
      DeviceBuffer there = other.allocate(4L * N, "there");
      CudaStream stranger = other.createStream();
      assertEquals(
          "saxpy: argument 2 (float* x): there (1200 bytes) belongs to another context; kernels, buffers,"
              + " streams and events that work together"
              + " must be of one CudaContext",
          refused(
              () ->
                  module
                      .kernel("saxpy")
                      .launch(stream, Dim.of(3), Dim.of(128), 0, y, there, 1f, N)));
      assertEquals(
          "launch of saxpy: the stream belongs to another context; kernels, buffers,"
              + " streams and events that work together"
              + " must be of one CudaContext",
          refused(
              () ->
                  module.kernel("saxpy").launch(stranger, Dim.of(3), Dim.of(128), 0, y, y, 1f, N)));
    }
  }

  @Test
  void launchesBeyondTheCardAreRefused() {
    CudaKernel empty = module.kernel("empty");
    String device = context.device().toString();
    assertEquals(
        "empty: expected a block of at most 1024 threads on " + device + ", got (32, 33, 1)",
        refused(() -> empty.launch(stream, Dim.of(1), Dim.of(32, 33), 0)));
    assertEquals(
        "empty: expected a block of at most (1024, 1024, 64) on " + device + ", got (1, 1, 65)",
        refused(() -> empty.launch(stream, Dim.of(1), Dim.of(1, 1, 65), 0)));
    assertEquals(
        "empty: expected a grid of at most (2147483647, 65535, 65535) on "
            + device
            + ", got (1, 65536, 1)",
        refused(() -> empty.launch(stream, Dim.of(1, 65536), Dim.of(1), 0)));
    int most = context.device().limits().sharedBytesOptIn();
    assertEquals(
        "empty: expected at most "
            + most
            + " bytes of shared memory on "
            + device
            + ", got 0 static and "
            + (most + 1)
            + " dynamic",
        refused(() -> empty.launch(stream, Dim.of(1), Dim.of(1), most + 1)));
    assertThrows(
        IllegalArgumentException.class, () -> empty.launch(stream, Dim.of(1), Dim.of(1), -1));
    assertThrows(IllegalArgumentException.class, () -> Dim.of(0));
  }

  @Test
  void launchesBeyondTheKernelsBoundsAreRefused() {
    DeviceBuffer y = floats(N, 1);
    CudaKernel bounded = module.kernel("bounded");
    assertEquals(64, bounded.maxThreadsPerBlock());
    assertEquals(
        "bounded: expected at most 64 threads (its launch bounds or its registers) on "
            + context.device()
            + ", got (65, 1, 1)",
        refused(() -> bounded.launch(stream, Dim.of(1), Dim.of(65), 0, y)));
    bounded.launch(stream, Dim.of(1), Dim.of(64), 0, y);
    assertEquals(63, y.read(new int[64])[63]);
  }

  @Test
  void dynamicSharedMemoryBeyondTheOrdinaryIsAskedFor() {
    CudaKernel kernel = module.kernel("turn_round");
    DeviceBuffer y = context.allocate(16);
    y.write(new int[] {1, 2, 3, 4});
    kernel.launch(stream, Dim.of(1), Dim.of(4), 16, y);
    assertArrayEquals(new int[] {4, 3, 2, 1}, y.read(new int[4]));
    int most = context.device().limits().sharedBytesOptIn();
    assertTrue(most > context.device().limits().sharedBytes());
    kernel.launch(stream, Dim.of(1), Dim.of(4), most, y);
    assertArrayEquals(new int[] {1, 2, 3, 4}, y.read(new int[4]));
  }

  @Test
  void unknownKernelsAreRefusedWithThoseThatThereAre() {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> module.kernel("sapxy"));
    assertTrue(
        error
            .getMessage()
            .startsWith("no kernel sapxy in launches.cu; its source declares empty, saxpy, kinds,"),
        error.getMessage());
    error = assertThrows(IllegalArgumentException.class, () -> module.kernel("mangled"));
    assertEquals(
        "no kernel mangled in launches.cu: its source declares it without extern \"C\", so that a"
            + " card knows it by another name",
        error.getMessage());
  }

  @Test
  void closedModulesDoNotLaunch() {
    CudaKernel empty = module.kernel("empty");
    PreparedLaunch launch = empty.prepare(Dim.of(1), Dim.of(1), 0);
    module.close();
    assertThrows(IllegalStateException.class, () -> launch.launch(stream));
    assertThrows(IllegalStateException.class, () -> empty.prepare(Dim.of(1), Dim.of(1), 0));
    assertThrows(IllegalStateException.class, () -> module.kernel("saxpy"));
  }

  @Test
  void closedStreamsDoNotLaunch() {
    PreparedLaunch launch = module.kernel("empty").prepare(Dim.of(1), Dim.of(1), 0);
    stream.close();
    assertThrows(IllegalStateException.class, () -> launch.launch(stream));
  }

  @Test
  void withoutASourceSizesAreStillChecked() {
    KernelImage named =
        KernelCompiler.of(context.device())
            .compile(Simulated.source("launches.cu"), CompileOptions.DEFAULT);
    CudaModule bare = context.load(KernelImage.of("bare", named.bytes()));
    CudaKernel saxpy = bare.kernel("saxpy");
    DeviceBuffer y = floats(N, 1);
    saxpy.launch(stream, Dim.of(3), Dim.of(128), 0, y, y, 1f, N);
    assertEquals(2f, y.read(new float[1])[0]);
    assertEquals(
        "saxpy: argument 3: expected something of 4 bytes, got double 1.0",
        refused(() -> saxpy.launch(stream, Dim.of(3), Dim.of(128), 0, y, y, 1.0, N)));
    assertEquals("saxpy(8 bytes, 8 bytes, 4 bytes, 4 bytes)", saxpy.toString());
  }

  @Test
  void anImageOfAnotherSourceIsRefused() {
    byte[] code =
        KernelCompiler.of(context.device())
            .compile(Simulated.source("launches.cu"), CompileOptions.DEFAULT)
            .bytes();
    KernelSource other =
        KernelSource.of(
            "other.cu",
            "extern \"C\" __global__ void saxpy(float* y, const float* x, double a, int n);");
    CudaModule mixed = context.load(KernelImage.of("mixed", code, other));
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> mixed.kernel("saxpy"));
    assertTrue(
        error.getMessage().startsWith("saxpy: the image is not of this source"),
        error.getMessage());
  }

  @Test
  void variablesOfAModuleAreBuffers() {
    DeviceBuffer y = floats(8, 10);
    module.variable("factors").write(new float[] {1, 2, 3, 4});
    DeviceBuffer calls = module.variable("calls");
    calls.write(new int[1]);
    CudaKernel scale = module.kernel("scale");
    scale.launch(stream, Dim.of(1), Dim.of(8), 0, y, 8);
    scale.launch(stream, Dim.of(1), Dim.of(8), 0, y, 8);
    assertArrayEquals(new float[] {10, 40, 90, 160, 10, 40, 90, 160}, y.read(new float[8]));
    assertArrayEquals(new int[] {2}, calls.read(new int[1]));
    assertThrows(IllegalArgumentException.class, () -> module.variable("nothing"));
    module.close();
    assertThrows(IllegalStateException.class, () -> calls.read(new int[1]));
  }

  @Test
  void aRefusedLaunchIsRecoverable() {
    Simulator.get().fault("launch", 1, 701);
    DeviceBuffer y = floats(N, 1);
    CudaException error =
        assertThrows(
            CudaException.class,
            () -> module.kernel("saxpy").launch(stream, Dim.of(3), Dim.of(128), 0, y, y, 1f, N));
    assertEquals("cuLaunchKernel", error.call());
    assertEquals(701, error.code());
    assertTrue(
        error.getMessage().contains("launching saxpy, grid (3, 1, 1), block (128, 1, 1)"),
        error.getMessage());
    assertTrue(!error.isFatal() && !context.isLost());
    module.kernel("saxpy").launch(stream, Dim.of(3), Dim.of(128), 0, y, y, 1f, N);
    assertEquals(2f, y.read(new float[1])[0]);
  }

  @Test
  void aFatalErrorEndsTheContextAndNotTheProcess() {
    DeviceBuffer y = floats(N, 1);
    DeviceBuffer x = floats(N, 1);
    module.kernel("saxpy").launch(stream, Dim.of(3), Dim.of(128), 0, y, x, 1f, N);
    Simulator.get().fault("sync", 1, 719);
    CudaException error = assertThrows(CudaException.class, stream::synchronize);
    assertTrue(error.isFatal() && context.isLost());
    assertTrue(error.getMessage().contains("CUDA errors can surface late"), error.getMessage());
    CudaException after = assertThrows(CudaException.class, () -> context.allocate(8));
    assertEquals(719, after.code());
    assertTrue(after.getMessage().contains("the context was lost in "), after.getMessage());
    context.close();
    open();
    launchesAndReads();
  }

  @Test
  void preparedLaunchesMakeNoObjects() {
    DeviceBuffer y = floats(N, 1);
    PreparedLaunch launch = module.kernel("saxpy").prepare(Dim.of(3), Dim.of(128), 0, y, y, 0f, N);
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int round = 0; round < 5; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1000; i++) {
        launch.launch(stream);
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      stream.synchronize();
    }
    assertTrue(least < 1000, least + " bytes in 1000 launches");
  }
}
