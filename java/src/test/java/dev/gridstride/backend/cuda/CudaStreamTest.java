package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Streams, events and graphs. */
class CudaStreamTest {
  private static final int N = 64;
  private static final Dim GRID = Dim.of(2);
  private static final Dim BLOCK = Dim.of(32);

  private CudaContext context;
  private CudaModule module;
  private DeviceBuffer a;
  private DeviceBuffer b;
  private DeviceBuffer sum;

  @BeforeEach
  void open() {
    context = Simulated.open();
    module = Simulated.launches(context);
    a = ints(1);
    b = ints(2);
    sum = ints(0);
  }

  @AfterEach
  void close() {
    if (context != null) {
      context.close();
      Simulator.get().seed(0);
    }
  }

  private DeviceBuffer ints(int value) {
    int[] values = new int[N];
    java.util.Arrays.fill(values, value);
    DeviceBuffer buffer = context.allocate(4L * N);
    buffer.write(values);
    return buffer;
  }

  private PreparedLaunch fill(DeviceBuffer y, int value) {
    return module.kernel("fill").prepare(GRID, BLOCK, 0, y, value, N);
  }

  private PreparedLaunch add() {
    return module.kernel("add").prepare(GRID, BLOCK, 0, sum, a, b, N);
  }

  private int sum() {
    int[] values = sum.read(new int[N]);
    for (int value : values) {
      assertEquals(values[0], value);
    }
    return values[0];
  }

  private static int code(org.junit.jupiter.api.function.Executable executable) {
    return assertThrows(CudaException.class, executable).code();
  }

  @Test
  void aStreamRunsInOrderAndReadsWaitForIt() {
    for (int seed = 0; seed < 5; seed++) {
      Simulator.get().seed(seed);
      CudaStream stream = context.createStream();
      fill(a, 10).launch(stream);
      fill(b, 20).launch(stream);
      add().launch(stream);
      fill(a, 0).launch(stream);
      assertEquals(30, sum());
      stream.close();
    }
  }

  @Test
  void eventsOrderStreams() {
    for (int seed = 0; seed < 5; seed++) {
      Simulator.get().seed(seed);
      try (CudaStream one = context.createNonBlockingStream();
          CudaStream two = context.createNonBlockingStream();
          CudaEvent ready = context.createEvent()) {
        fill(a, seed).launch(one);
        ready.record(one);
        two.waitFor(ready);
        add().launch(two);
        two.synchronize();
        assertEquals(seed + 2, sum());
        assertTrue(ready.isDone());
      }
    }
  }

  @Test
  void eventsTellTheTimeIfAsked() {
    try (CudaStream stream = context.createStream();
        CudaEvent start = context.createTimingEvent();
        CudaEvent end = context.createTimingEvent();
        CudaEvent timeless = context.createEvent()) {
      start.record(stream);
      add().launch(stream);
      end.record(stream);
      timeless.record(stream);
      end.synchronize();
      assertTrue(end.millisSince(start) >= 0);
      stream.synchronize();
      assertThrows(CudaException.class, () -> timeless.millisSince(start));
    }
  }

  @Test
  void closedEventsAndStreamsAreRefused() {
    CudaStream stream = context.createStream();
    CudaEvent event = context.createEvent();
    event.close();
    assertThrows(IllegalStateException.class, () -> stream.waitFor(event));
    assertThrows(IllegalStateException.class, () -> event.record(stream));
    assertThrows(IllegalStateException.class, event::synchronize);
    stream.close();
    assertThrows(IllegalStateException.class, stream::synchronize);
    assertThrows(IllegalStateException.class, stream::isDone);
    assertThrows(IllegalStateException.class, stream::beginCapture);
  }

  @Test
  void aRecordedGraphRunsAsOftenAsLaunched() {
    for (int seed = 0; seed < 5; seed++) {
      Simulator.get().seed(seed);
      CudaStream stream = context.createNonBlockingStream();
      stream.beginCapture();
      assertTrue(stream.isCapturing());
      add().launch(stream);
      a.copyFrom(sum, stream);
      CudaGraph graph = stream.endCapture();
      assertFalse(stream.isCapturing());
      CudaGraphExec exec = graph.instantiate();
      graph.close();
      stream.synchronize();
      int before = a.read(new int[1])[0];
      for (int i = 0; i < 3; i++) {
        exec.launch(stream);
      }
      stream.synchronize();
      assertEquals(before + 6, a.read(new int[1])[0]);
      exec.close();
      assertThrows(IllegalStateException.class, () -> exec.launch(stream));
      stream.close();
    }
  }

  @Test
  void otherStreamsJoinARecordingByEvents() {
    for (int seed = 0; seed < 5; seed++) {
      Simulator.get().seed(seed);
      try (CudaStream stream = context.createNonBlockingStream();
          CudaStream side = context.createNonBlockingStream();
          CudaEvent fork = context.createEvent();
          CudaEvent join = context.createEvent()) {
        stream.beginCapture();
        fork.record(stream);
        side.waitFor(fork);
        assertTrue(side.isCapturing());
        fill(a, 3).launch(stream);
        fill(b, 4).launch(side);
        join.record(side);
        stream.waitFor(join);
        add().launch(stream);
        try (CudaGraph graph = stream.endCapture();
            CudaGraphExec exec = graph.instantiate()) {
          assertFalse(side.isCapturing());
          exec.launch(stream);
          stream.synchronize();
          assertEquals(7, sum());
        }
      }
    }
  }

  @Test
  void graphsCanBePutTogetherByHand() {
    for (int seed = 0; seed < 5; seed++) {
      Simulator.get().seed(seed);
      try (CudaGraph graph = CudaGraph.create(context);
          CudaStream stream = context.createNonBlockingStream()) {
        CudaGraph.Node first = graph.add(fill(a, 5), List.of());
        CudaGraph.Node second = graph.add(fill(b, 6), List.of());
        graph.add(add(), List.of(first, second));
        try (CudaGraphExec exec = graph.instantiate()) {
          exec.launch(stream);
          stream.synchronize();
        }
        assertEquals(11, sum());
      }
    }
  }

  @Test
  void graphsDoNotRunOnClosedMemory() {
    CudaStream stream = context.createStream();
    stream.beginCapture();
    add().launch(stream);
    CudaGraphExec exec = stream.endCapture().instantiate();
    exec.launch(stream);
    stream.synchronize();
    b.close();
    IllegalStateException error =
        assertThrows(IllegalStateException.class, () -> exec.launch(stream));
    assertTrue(error.getMessage().startsWith("launch of a graph: buffer (256 bytes)"));
  }

  @Test
  void whatARecordingDoesNotPermitIsRefused() {
    CudaStream stream = context.createStream();
    assertTrue(code(stream::endCapture) > 0);
    stream.beginCapture();
    add().launch(stream);
    assertEquals(900, code(stream::synchronize)); // and the recording is lost
    assertEquals(901, code(stream::endCapture));
    assertFalse(stream.isCapturing());

    stream.beginCapture();
    add().launch(stream);
    // A synchronous copy goes through the legacy stream, which this one waits for.
    assertEquals(906, code(() -> a.read(new int[1])));
    assertThrows(CudaException.class, stream::endCapture);

    try (CudaStream side = context.createStream();
        CudaEvent fork = context.createEvent()) {
      stream.beginCapture();
      fork.record(stream);
      side.waitFor(fork);
      add().launch(side);
      assertEquals(904, code(stream::endCapture));
      assertFalse(side.isCapturing());
    }
    add().launch(stream);
    assertArrayEquals(new int[] {3}, sum.read(new int[1]));
  }
}
