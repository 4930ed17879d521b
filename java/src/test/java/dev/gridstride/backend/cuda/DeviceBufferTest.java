package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Device memory: copies, ranges, ends, and what goes wrong with them. */
class DeviceBufferTest {
  private CudaContext context;

  @BeforeEach
  void open() {
    context = Simulated.open();
  }

  @AfterEach
  void close() {
    if (context != null) {
      context.close();
      Simulator.get().clearFaults();
    }
    Log.divert(null);
  }

  private static void assertFails(
      Class<? extends Throwable> type, String message, Executable executable) {
    assertEquals(message, assertThrows(type, executable).getMessage());
  }

  @Test
  void arraysOfAllTypesComeBack() {
    DeviceBuffer buffer = context.allocate(64);
    byte[] bytes = {1, -2, 3};
    buffer.write(bytes);
    assertArrayEquals(bytes, buffer.read(new byte[3]));
    short[] shorts = {1, -2, 3};
    buffer.write(shorts);
    assertArrayEquals(shorts, buffer.read(new short[3]));
    int[] ints = {1, -2, Integer.MAX_VALUE};
    buffer.write(ints);
    assertArrayEquals(ints, buffer.read(new int[3]));
    long[] longs = {1, -2, Long.MIN_VALUE};
    buffer.write(longs);
    assertArrayEquals(longs, buffer.read(new long[3]));
    float[] floats = {1.5f, -0.0f, Float.NaN};
    buffer.write(floats);
    assertArrayEquals(floats, buffer.read(new float[3]));
    double[] doubles = {1.5, -0.0, Double.MIN_VALUE};
    buffer.write(doubles);
    assertArrayEquals(doubles, buffer.read(new double[3]));
    buffer.write(new float[0]);
    assertEquals(0, buffer.read(new float[0]).length);
  }

  @Test
  void directBuffersAreCopiedFromPositionToLimit() {
    DeviceBuffer buffer = context.allocate(8);
    ByteBuffer host = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    for (int i = 0; i < 16; i++) {
      host.put(i, (byte) i);
    }
    buffer.write(host.position(3).limit(11));
    assertEquals(3, host.position());
    assertArrayEquals(new byte[] {3, 4, 5, 6, 7, 8, 9, 10}, buffer.read(new byte[8]));
    ByteBuffer back = ByteBuffer.allocateDirect(12);
    buffer.read(back.position(2).limit(6));
    byte[] all = new byte[12];
    back.clear().get(all);
    assertArrayEquals(new byte[] {0, 0, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0}, all);
  }

  @Test
  void asynchronousCopiesAreDoneWhenTheStreamIs() {
    try (CudaStream stream = context.createNonBlockingStream();
        PinnedBuffer pinned = context.allocatePinned(16)) {
      DeviceBuffer a = context.allocate(16);
      DeviceBuffer b = context.allocate(16);
      pinned.memory().asIntBuffer().put(new int[] {1, 2, 3, 4});
      a.writeAsync(pinned, stream);
      b.copyFrom(a, stream);
      a.fill((byte) 0, stream);
      ByteBuffer direct = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
      b.readAsync(direct, stream);
      stream.synchronize();
      assertTrue(stream.isDone());
      assertEquals(3, direct.getInt(8));
      b.slice(4, 8).writeAsync(direct.position(8), stream);
      b.readAsync(pinned, stream);
      stream.synchronize();
      int[] result = new int[4];
      pinned.memory().asIntBuffer().get(result);
      assertArrayEquals(new int[] {1, 3, 4, 4}, result);
      assertArrayEquals(new int[4], a.read(new int[4]));
    }
  }

  @Test
  void slicesAreParts() {
    DeviceBuffer buffer = context.allocate(32, "weights");
    buffer.write(new int[] {0, 1, 2, 3, 4, 5, 6, 7});
    DeviceBuffer slice = buffer.slice(8, 16);
    assertArrayEquals(new int[] {2, 3, 4, 5}, slice.read(new int[4]));
    assertEquals(buffer.address() + 12, slice.slice(4, 4).address());
    assertEquals("weights [bytes 12 to 16]", slice.slice(4, 4).toString());
    slice.close();
    assertArrayEquals(new int[] {0, 1}, buffer.read(new int[2]));
    assertFails(
        IndexOutOfBoundsException.class,
        "slice of weights: bytes 8 to 20 of 16",
        () -> slice.slice(8, 12));
    assertFails(
        IndexOutOfBoundsException.class,
        "slice of weights: bytes -4 to 0 of 32",
        () -> buffer.slice(-4, 4));
    assertThrows(IndexOutOfBoundsException.class, () -> buffer.slice(1, Long.MAX_VALUE));
    buffer.close();
    assertThrows(IllegalStateException.class, () -> slice.read(new int[1]));
    assertThrows(IllegalStateException.class, () -> buffer.slice(0, 4));
  }

  @Test
  void copiesOutOfRangeAreRefusedBeforeAnythingIsCopied() {
    DeviceBuffer buffer = context.allocate(8, "weights");
    CudaStream stream = context.createStream();
    buffer.write(new int[] {7, 8});
    assertFails(
        IndexOutOfBoundsException.class,
        "write to weights: 12 bytes, has 8",
        () -> buffer.write(new float[3]));
    assertFails(
        IndexOutOfBoundsException.class,
        "read from weights: 16 bytes, has 8",
        () -> buffer.read(new double[2]));
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> buffer.writeAsync(ByteBuffer.allocateDirect(9), stream));
    assertThrows(
        IndexOutOfBoundsException.class, () -> buffer.copyFrom(context.allocate(9), stream));
    assertArrayEquals(new int[] {7, 8}, buffer.read(new int[2]));
    assertThrows(IllegalArgumentException.class, () -> buffer.write(ByteBuffer.allocate(8)));
    assertThrows(
        IllegalArgumentException.class,
        () -> buffer.read(ByteBuffer.allocateDirect(8).asReadOnlyBuffer()));
  }

  @Test
  void sizesMustBePositive() {
    assertFails(
        IllegalArgumentException.class,
        "allocating buffer: size must be positive, got 0 bytes",
        () -> context.allocate(0));
    assertThrows(IllegalArgumentException.class, () -> context.allocate(-1));
    assertThrows(IllegalArgumentException.class, () -> context.allocatePinned(0));
    assertThrows(IllegalArgumentException.class, () -> context.allocatePinned(1L << 31));
    assertThrows(IllegalArgumentException.class, () -> context.wrap(0, 8, "theirs"));
  }

  @Test
  void useAfterCloseSaysWhatAndWhere() {
    DeviceBuffer buffer = context.allocate(8, "weights");
    buffer.close();
    buffer.close();
    IllegalStateException error =
        assertThrows(IllegalStateException.class, () -> buffer.write(new int[2]));
    assertTrue(
        error.getMessage().startsWith("write to weights: weights (8 bytes) was closed at "),
        error.getMessage());
    assertThrows(IllegalStateException.class, () -> buffer.read(new int[2]));
    assertFails(
        IllegalArgumentException.class,
        "write to NULL: the buffer is NULL",
        () -> DeviceBuffer.NULL.write(new int[1]));
    DeviceBuffer.NULL.close();
  }

  @Test
  void closingTheContextClosesAllInIt() {
    Simulator simulator = Simulator.get();
    long before = simulator.count("allocations");
    CudaContext other = Simulated.open();
    DeviceBuffer buffer = other.allocate(8, "weights");
    CudaStream stream = other.createStream();
    assertEquals(before + 1, simulator.count("allocations"));
    other.close();
    other.close();
    assertEquals(before, simulator.count("allocations"));
    IllegalStateException error =
        assertThrows(IllegalStateException.class, () -> buffer.read(new int[2]));
    assertTrue(error.getMessage().endsWith(", with its context"), error.getMessage());
    assertThrows(IllegalStateException.class, stream::synchronize);
    assertThrows(IllegalStateException.class, () -> other.allocate(8));
    buffer.close();
    stream.close();
  }

  @Test
  void buffersOfAnotherContextAreRefused() {
    try (CudaContext other = Simulated.open()) {
      DeviceBuffer here = context.allocate(8, "here");
      DeviceBuffer there = other.allocate(8, "there");
      CudaStream stream = context.createStream();
      assertFails(
          IllegalArgumentException.class,
          "copy to here: there (8 bytes) belongs to another context; kernels, buffers,"
              + " streams and events that work together"
              + " must be of one CudaContext",
          () -> here.copyFrom(there, stream));
      assertFails(
          IllegalArgumentException.class,
          "filling there (8 bytes): the stream belongs to another context; kernels, buffers,"
              + " streams and events that work together"
              + " must be of one CudaContext",
          () -> there.fill((byte) 0, stream));
    }
  }

  @Test
  void wrappedMemoryIsNotFreed() {
    DeviceBuffer theirs = context.allocate(8, "theirs");
    theirs.write(new int[] {1, 2});
    DeviceBuffer ours = context.wrap(theirs.address() + 4, 4, "ours");
    assertArrayEquals(new int[] {2}, ours.read(new int[1]));
    ours.close();
    assertThrows(IllegalStateException.class, () -> ours.read(new int[1]));
    assertArrayEquals(new int[] {1, 2}, theirs.read(new int[2]));
  }

  @Test
  void runningOutOfMemoryIsRecoverable() {
    long free = context.freeBytes();
    CudaException error =
        assertThrows(CudaException.class, () -> context.allocate(free + (1L << 40), "arena"));
    assertEquals("cuMemAlloc", error.call());
    assertEquals(2, error.code());
    assertEquals("CUDA_ERROR_OUT_OF_MEMORY", error.codeName());
    assertFalse(error.isFatal());
    assertTrue(
        error
            .getMessage()
            .startsWith("cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (2) on device 0"),
        error.getMessage());
    assertTrue(
        error.getMessage().contains("allocating " + (free + (1L << 40)) + " bytes for arena"),
        error.getMessage());
    DeviceBuffer buffer = context.allocate(1024);
    assertTrue(context.freeBytes() <= free - 1024);
    buffer.close();
    assertEquals(free, context.freeBytes());
  }

  @Test
  void anyCallCanBeToldToFail() {
    Simulator simulator = Simulator.get();
    simulator.fault("cuMemAlloc_v2", 2, 2);
    DeviceBuffer buffer = context.allocate(8);
    CudaException error = assertThrows(CudaException.class, () -> context.allocate(8));
    assertEquals(2, error.code());
    buffer.write(new int[2]);
    simulator.fault("copy", 1, 999);
    error = assertThrows(CudaException.class, () -> buffer.read(new int[2]));
    assertEquals("CUDA_ERROR_UNKNOWN", error.codeName());
    assertArrayEquals(new int[2], buffer.read(new int[2]));
    assertThrows(IllegalArgumentException.class, () -> simulator.fault("nothing", 1, 2));
  }

  @Test
  void whatFailsWhileClosingIsLoggedNotThrown() {
    List<String> logged = new ArrayList<>();
    Log.divert(logged::add);
    DeviceBuffer buffer = context.allocate(8, "weights");
    Simulator.get().fault("cuMemFree_v2", 1, 999);
    buffer.close();
    assertEquals(1, logged.size(), logged.toString());
    assertTrue(
        logged.get(0).startsWith("closing weights (8 bytes): cuMemFree failed: CUDA_ERROR_UNKNOWN"),
        logged.get(0));
  }

  @Test
  void whatIsDroppedIsReportedAndFreedWithItsContext() throws InterruptedException {
    List<String> logged = java.util.Collections.synchronizedList(new ArrayList<>());
    Log.divert(logged::add);
    dropOne();
    for (int i = 0; i < 100 && logged.isEmpty(); i++) {
      System.gc();
      Thread.sleep(20);
    }
    assertTrue(
        logged.stream()
            .anyMatch(
                line ->
                    line.startsWith("dropped (24 bytes), opened at ")
                        && line.endsWith(" was never closed; it is freed with its context")),
        logged.toString());
  }

  private void dropOne() {
    context.allocate(24, "dropped").write(new int[6]);
  }
}
