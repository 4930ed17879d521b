package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Bugs in the order of work and in the life of memory: planted, found and named, and nothing found
 * where they are mended.
 */
class OrderBugsTest {
  private static final int N = 64;
  private static final long[] SEEDS = {0, 1, 2, 3, 4};

  private CudaContext context;
  private CudaModule module;
  private DeviceBuffer a;
  private DeviceBuffer b;
  private DeviceBuffer sum;

  @BeforeEach
  void needed() {
    Simulated.requireCompiler();
  }

  @AfterEach
  void close() {
    if (context != null) {
      context.close();
      Simulator.get().seed(0);
    }
    Log.divert(null);
  }

  private void open(boolean checked) {
    if (context != null) {
      context.close();
    }
    context = Simulated.open();
    CompileOptions options = checked ? CompileOptions.CHECKED : CompileOptions.DEFAULT;
    module =
        context.load(
            KernelCompiler.of(context.device()).compile(Simulated.source("launches.cu"), options));
    a = ints("a", 1);
    b = ints("b", 2);
    sum = ints("sum", 0);
  }

  private DeviceBuffer ints(String name, int value) {
    int[] values = new int[N];
    Arrays.fill(values, value);
    DeviceBuffer buffer = context.allocate(4L * N, name);
    buffer.write(values);
    return buffer;
  }

  private PreparedLaunch fill(DeviceBuffer y, int value) {
    return module.kernel("fill").prepare(Dim.of(2), Dim.of(32), 0, y, value, N);
  }

  private PreparedLaunch add() {
    return module.kernel("add").prepare(Dim.of(2), Dim.of(32), 0, sum, a, b, N);
  }

  private static void assertNamesBoth(CudaException error, long seed) {
    String text = "seed " + seed + ": " + error.getMessage();
    assertEquals(719, error.code(), text);
    assertTrue(error.detail().contains("race between unordered work"), text);
    assertTrue(error.detail().contains("fill") && error.detail().contains("add"), text);
    assertTrue(error.isFatal(), text);
  }

  /** Two streams, the second of which reads what the first writes. */
  private void twoStreams(boolean wait) {
    try (CudaStream one = context.createNonBlockingStream();
        CudaStream two = context.createNonBlockingStream();
        CudaEvent ready = context.createEvent()) {
      fill(a, 10).launch(one);
      ready.record(one);
      if (wait) {
        two.waitFor(ready);
      }
      add().launch(two);
      two.synchronize();
      one.synchronize();
    }
  }

  @Test
  void aMissingEventWaitIsFoundAndNamed() {
    for (long seed : SEEDS) {
      Simulator.get().seed(seed);
      open(true);
      twoStreams(true);
      assertEquals(12, sum.read(new int[1])[0]);
      assertNamesBoth(assertThrows(CudaException.class, () -> twoStreams(false)), seed);
    }
  }

  @Test
  void aMissingEventWaitGivesWrongNumbersWithoutTheChecker() {
    boolean wrong = false;
    for (long seed : SEEDS) {
      Simulator.get().seed(seed);
      open(false);
      twoStreams(true);
      assertEquals(12, sum.read(new int[1])[0]);
      fill(a, 1).launch(context.createStream());
      context.synchronize();
      twoStreams(false);
      wrong |= sum.read(new int[1])[0] == 3;
    }
    assertTrue(wrong, "no seed ran the second stream first");
  }

  /** {@code a} and {@code b} are filled and then added, or one of them perhaps later. */
  private void graph(boolean complete) {
    try (CudaGraph graph = CudaGraph.create(context);
        CudaStream stream = context.createNonBlockingStream()) {
      CudaGraph.Node first = graph.add(fill(a, 5), List.of());
      CudaGraph.Node second = graph.add(fill(b, 6), List.of());
      graph.add(add(), complete ? List.of(first, second) : List.of(first));
      try (CudaGraphExec exec = graph.instantiate()) {
        exec.launch(stream);
        stream.synchronize();
      }
    }
  }

  @Test
  void aMissingGraphDependencyIsFoundAndNamed() {
    for (long seed : SEEDS) {
      Simulator.get().seed(seed);
      open(true);
      graph(true);
      assertEquals(11, sum.read(new int[1])[0]);
      assertNamesBoth(assertThrows(CudaException.class, () -> graph(false)), seed);
    }
  }

  @Test
  void aRecordingThatForgetsToJoinIsFoundAndNamed() {
    for (long seed : SEEDS) {
      Simulator.get().seed(seed);
      open(true);
      CudaStream stream = context.createNonBlockingStream();
      CudaStream side = context.createNonBlockingStream();
      CudaEvent fork = context.createEvent();
      CudaEvent join = context.createEvent();
      stream.beginCapture();
      fork.record(stream);
      side.waitFor(fork);
      fill(b, 7).launch(side);
      join.record(side);
      add().launch(stream); // before the join, so that nothing orders the two
      stream.waitFor(join);
      CudaGraphExec exec = stream.endCapture().instantiate();
      exec.launch(stream);
      assertNamesBoth(assertThrows(CudaException.class, stream::synchronize), seed);
    }
  }

  @Test
  void memoryThatWasFreedIsFoundWhereItIsWrapped() {
    open(false);
    long address = a.address();
    a.close();
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class, () -> context.wrap(address, 4L * N, "dangling"));
    assertTrue(error.getMessage().contains("dangling"), error.getMessage());
    assertTrue(error.getMessage().contains("freed by cuMemFree"), error.getMessage());
  }

  @Test
  void memoryUsedAfterItWasFreedIsFoundAtTheLaunch() {
    open(false);
    DeviceBuffer dangling = context.wrap(a.address(), 4L * N, "dangling");
    a.close();
    PreparedLaunch launch =
        module.kernel("add").prepare(Dim.of(2), Dim.of(32), 0, sum, dangling, b, N);
    CudaException error =
        assertThrows(
            CudaException.class,
            () -> {
              CudaStream stream = context.createStream();
              launch.launch(stream);
              stream.synchronize();
            });
    assertTrue(error.detail().contains("add"), error.getMessage());
    assertTrue(error.detail().contains("cuMemFree"), error.getMessage());
  }

  @Test
  void memoryUsedAfterItWasFreedIsFoundInTheKernel() {
    for (long seed : SEEDS) {
      Simulator.get().seed(seed);
      open(true);
      CudaStream stream = context.createStream();
      DeviceBuffer table = context.allocate(8, "table");
      table.write(new long[] {a.address()});
      PreparedLaunch launch =
          module.kernel("indirect").prepare(Dim.of(1), Dim.of(N), 0, sum, table);
      launch.launch(stream);
      try {
        stream.synchronize();
      } catch (CudaException e) {
        fail("false alarm", e);
      }
      assertEquals(1, sum.read(new int[1])[0]);
      a.close();
      CudaException error =
          assertThrows(
              CudaException.class,
              () -> {
                launch.launch(stream);
                stream.synchronize();
              });
      assertEquals(700, error.code(), error.getMessage());
      assertTrue(error.detail().contains("indirect"), error.getMessage());
      assertTrue(error.detail().contains("free"), error.getMessage());
      assertTrue(error.detail().contains("launches.cu:"), error.getMessage());
    }
  }

  @Test
  void memoryFreedTwiceIsFoundAndNamed() {
    open(false);
    CUdeviceptr pointer = new CUdeviceptr();
    JCudaDriver.cuMemAlloc(pointer, 64);
    assertEquals(Status.SUCCESS, Status.of(() -> JCudaDriver.cuMemFree(pointer)));
    assertEquals(Status.INVALID_VALUE, Status.of(() -> JCudaDriver.cuMemFree(pointer)));
    String text = Simulator.get().lastError();
    assertTrue(text.contains("cuMemFree") && text.contains("double free"), text);
  }

  @Test
  void memoryFreedBehindABuffersBackIsReportedWhenItIsClosed() {
    open(false);
    List<String> logged = new ArrayList<>();
    Log.divert(logged::add);
    JCudaDriver.cuMemFree(new Address(new Address(), a.address()));
    a.close();
    assertEquals(1, logged.size(), logged.toString());
    assertTrue(logged.get(0).startsWith("closing a (256 bytes): cuMemFree failed"), logged.get(0));
    assertTrue(logged.get(0).contains("double free"), logged.get(0));
  }
}
