package dev.gridstride.backend.cuda;

import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxDestroy;
import static jcuda.driver.JCudaDriver.cuCtxGetCurrent;
import static jcuda.driver.JCudaDriver.cuCtxPopCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Contexts, streams and memory that a plain JCuda program has made and still owns afterwards. */
class ForeignTest {
  private static final int N = 64;
  private static final Dim GRID = Dim.of(2);
  private static final Dim BLOCK = Dim.of(32);
  private static final List<String> COUNTED =
      List.of("allocations", "modules", "streams", "events", "graphs", "contexts");

  private final CUcontext theirs = new CUcontext();
  private final CUstream stream = new CUstream();
  private final CUdeviceptr memory = new CUdeviceptr();

  @BeforeEach
  void theCallersProgram() {
    Simulated.device();
    CUdevice device = new CUdevice();
    cuDeviceGet(device, 0);
    check(cuCtxCreate(theirs, 0, device));
    check(cuStreamCreate(stream, 0));
    check(cuMemAlloc(memory, 4L * N));
  }

  @AfterEach
  void itsEnd() {
    if (Simulator.unavailableReason() == null) {
      JCudaDriver.setExceptionsEnabled(false);
      Simulator.get().clearFaults();
      check(cuCtxSetCurrent(theirs));
      check(cuMemFree(memory));
      check(cuStreamDestroy(stream));
      check(cuCtxDestroy(theirs));
    }
  }

  private static void check(int status) {
    assertEquals(0, status);
  }

  private static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  private static CUcontext current() {
    CUcontext context = new CUcontext();
    check(cuCtxGetCurrent(context));
    return context;
  }

  private void write(int value) {
    int[] values = new int[N];
    java.util.Arrays.fill(values, value);
    check(cuMemcpyHtoD(memory, Pointer.to(values), 4L * N));
  }

  private int read() {
    int[] values = new int[N];
    check(cuMemcpyDtoH(Pointer.to(values), memory, 4L * N));
    for (int value : values) {
      assertEquals(values[0], value);
    }
    return values[0];
  }

  private static void assertRefused(String expected, Executable executable) {
    String message = assertThrows(IllegalArgumentException.class, executable).getMessage();
    assertTrue(message.contains(expected), message);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ourWorkGoesIntoTheirStreamAndMemory(boolean exceptions) {
    JCudaDriver.setExceptionsEnabled(exceptions);
    List<Long> before = counts();
    try (CudaContext context = CudaContext.of(theirs)) {
      CudaModule module = Simulated.launches(context);
      DeviceBuffer sum = context.wrap(memory, 4L * N, "sum");
      DeviceBuffer ones = context.allocate(4L * N);
      CudaStream queue = context.wrap(stream);
      module.kernel("fill").launch(queue, GRID, BLOCK, 0, ones, 1, N);
      module.kernel("add").launch(queue, GRID, BLOCK, 0, sum, ones, ones, N);
      check(cuStreamSynchronize(stream));
      assertEquals(2, read());
      assertNotEquals(before, counts());
    }
    assertEquals(before, counts());
    assertEquals(2, read());
    check(cuStreamSynchronize(stream));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void failuresAreNoticedHoweverJCudaTellsThem(boolean exceptions) {
    JCudaDriver.setExceptionsEnabled(exceptions);
    try (CudaContext context = CudaContext.of(theirs)) {
      CudaStream queue = context.wrap(stream);
      PreparedLaunch fill =
          Simulated.launches(context)
              .kernel("fill")
              .prepare(GRID, BLOCK, 0, context.wrap(memory, 4L * N, "y"), 1, N);
      Simulator.get().fault("launch", 1, 701);
      CudaException error = assertThrows(CudaException.class, () -> fill.launch(queue));
      assertEquals(701, error.code());
      Simulator.get().fault("cuMemAlloc_v2", 1, 2);
      assertEquals(2, assertThrows(CudaException.class, () -> context.allocate(8)).code());
    }
  }

  @Test
  void theDefaultStreamIsOneToo() {
    try (CudaContext context = CudaContext.of(theirs)) {
      DeviceBuffer y = context.wrap(memory, 4L * N, "y");
      CudaStream queue = context.wrap((CUstream) null);
      Simulated.launches(context).kernel("fill").launch(queue, GRID, BLOCK, 0, y, 7, N);
      queue.synchronize();
      assertEquals(7, read());
      assertFalse(queue.isCapturing());
    }
  }

  @Test
  void theCurrentContextIsFoundAndLeftCurrent() {
    CudaContext context = CudaContext.current();
    assertEquals(0, context.device().index());
    CUcontext other = new CUcontext();
    CUdevice device = new CUdevice();
    cuDeviceGet(device, 0);
    check(cuCtxCreate(other, 0, device));
    context.whileCurrent(() -> assertEquals(theirs, current()));
    assertEquals(other, current());
    assertThrows(
        ArithmeticException.class,
        () ->
            context.whileCurrent(
                () -> {
                  throw new ArithmeticException();
                }));
    assertEquals(other, current());
    context.allocate(8);
    check(cuCtxSetCurrent(other));
    context.close();
    assertEquals(other, current());
    check(cuCtxDestroy(other));
    while (!current().equals(new CUcontext())) {
      check(cuCtxPopCurrent(new CUcontext()));
    }
    String message =
        assertThrows(IllegalStateException.class, () -> CudaContext.current()).getMessage();
    assertTrue(message.contains("no current context"), message);
    assertRefused("got null", () -> CudaContext.of(null));
  }

  @Test
  void twoWrapsOfOneContextShareTheirThings() {
    try (CudaContext one = CudaContext.of(theirs);
        CudaContext two = CudaContext.current()) {
      DeviceBuffer y = two.wrap(memory, 4L * N, "y");
      Simulated.launches(one).kernel("fill").launch(two.wrap(stream), GRID, BLOCK, 0, y, 9, N);
      check(cuStreamSynchronize(stream));
      assertEquals(9, read());
    }
  }

  @Test
  void thePrimaryContextIsSharedWithItsOtherUsers() {
    List<Long> before = counts();
    try (CudaContext ours = Simulated.device().primaryContext()) {
      DeviceBuffer buffer = ours.allocate(8);
      try (CudaContext again = CudaContext.current()) {
        assertEquals(8, again.wrap(buffer.address(), 8, "shared").bytes());
      }
      buffer.write(new int[2]);
    }
    assertEquals(before, counts());
  }

  @Test
  void closingAfterTheCallerEndedTheContextDoesNoHarm() {
    CUcontext other = new CUcontext();
    CUdevice device = new CUdevice();
    cuDeviceGet(device, 0);
    check(cuCtxCreate(other, 0, device));
    CudaContext context = CudaContext.of(other);
    context.allocate(8);
    check(cuCtxDestroy(other));
    context.close();
    assertThrows(IllegalStateException.class, () -> context.allocate(8));
  }

  @Test
  void theirStreamsOfOtherContextsAreRefused() {
    try (CudaContext ours = Simulated.open()) {
      assertRefused("it belongs to another context than", () -> ours.wrap(stream));
    }
    check(cuCtxSetCurrent(theirs));
    try (CudaContext context = CudaContext.of(theirs);
        CudaContext ours = Simulated.open();
        CudaStream queue = ours.createStream()) {
      DeviceBuffer y = context.wrap(memory, 4L * N, "y");
      assertRefused("belongs to another context", () -> y.fill((byte) 0, queue));
    }
  }

  @Test
  void pointersAreLookedAt() {
    try (CudaContext context = CudaContext.of(theirs);
        CudaContext other = Simulated.open()) {
      assertRefused(
          "wrapping x: expected an address and a size, got 0x0 and 8 bytes",
          () -> context.wrap(new CUdeviceptr(), 8, "x"));
      assertRefused("got 0x0 and 8 bytes", () -> context.wrap((CUdeviceptr) null, 8, "x"));
      assertRefused("and 0 bytes", () -> context.wrap(memory, 0, "x"));
      assertRefused("is not device memory", () -> context.wrap(4711, 8, "x"));
      assertRefused(
          "expected 257 bytes, its allocation has 256 from there on",
          () -> context.wrap(memory, 4L * N + 1, "x"));
      assertRefused(
          "expected 250 bytes, its allocation has 248 from there on",
          () -> context.wrap(memory.withByteOffset(8), 250, "x"));
      assertRefused("was allocated in another context", () -> other.wrap(memory, 8, "x"));
      assertEquals(8, context.wrap(memory.withByteOffset(248), 8, "x").bytes());
      CUdeviceptr freed = new CUdeviceptr();
      check(cuCtxSetCurrent(theirs));
      check(cuMemAlloc(freed, 8));
      check(cuMemFree(freed));
      assertRefused("is not device memory", () -> context.wrap(freed, 8, "x"));
      try (PinnedBuffer pinned = context.allocatePinned(8)) {
        long address =
            com.sun.jna.Pointer.nativeValue(
                com.sun.jna.Native.getDirectBufferPointer(pinned.memory()));
        assertEquals(8, context.wrap(address, 8, "x").bytes());
      }
    }
  }

  @Test
  void launchesLandInTheCallersGraph() {
    try (CudaContext context = CudaContext.of(theirs)) {
      CudaStream queue = context.wrap(stream);
      DeviceBuffer y = context.wrap(memory, 4L * N, "y");
      PreparedLaunch twice =
          Simulated.launches(context).kernel("add").prepare(GRID, BLOCK, 0, y, y, y, N);
      write(1);
      assertFalse(queue.isCapturing());
      check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL));
      assertTrue(queue.isCapturing());
      twice.launch(queue);
      twice.launch(queue);
      CUgraph graph = new CUgraph();
      check(cuStreamEndCapture(stream, graph));
      assertFalse(queue.isCapturing());
      assertEquals(1, read());
      CUgraphExec exec = new CUgraphExec();
      check(cuGraphInstantiate(exec, graph, 0));
      for (int value : new int[] {3, 5}) {
        write(value);
        check(cuGraphLaunch(exec, stream));
        check(cuStreamSynchronize(stream));
        assertEquals(4 * value, read());
      }
      check(cuGraphExecDestroy(exec));
      check(cuGraphDestroy(graph));
    }
  }
}
