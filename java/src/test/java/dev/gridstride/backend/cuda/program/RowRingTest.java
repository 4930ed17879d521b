package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaException;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Rows come through a ring in their order, and not without the waits: bugs planted by telling the
 * ring of a stream that does nothing show as wrong rows, and the checker names them.
 */
class RowRingTest {
  private static final int COUNT = 37;
  private static final int ROW = 3;
  private static final int BATCH = 5;
  private static final int BATCHES = 40;
  private static final RowOrder ORDER = new RowOrder(COUNT, true, 9);

  /** Which stream the ring is told of. */
  private enum Bug {
    NONE,
    LAUNCHES_DO_NOT_WAIT_FOR_COPIES,
    COPIES_DO_NOT_WAIT_FOR_LAUNCHES
  }

  @BeforeEach
  void needsTheSimulatedDevice() {
    Simulated.require();
  }

  @AfterEach
  void asItWas() {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().seed(0);
      Simulator.get().set("checked", "0");
    }
  }

  private static HostData rows() {
    int[] values = new int[COUNT * ROW];
    Arrays.setAll(values, i -> i);
    Shape shape = Shape.of(COUNT, ROW);
    HostData data = new HostData("rows", new TensorType(DataType.INT32, shape));
    data.set(Tensor.of(shape, values));
    return data;
  }

  /** Batch after batch, taken out of the ring by copies on the device. */
  private static int[] fetched(long seed, Bug bug) {
    Simulator.get().seed(seed);
    HostData data = rows();
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaStream stream = context.createNonBlockingStream();
        CudaStream idle = context.createNonBlockingStream();
        Upload upload = new Upload(context);
        RowRing ring = new RowRing(List.of(data), ORDER, RowRing.Size.of(BATCH, 4));
        DeviceBuffer out = context.allocate(4L * ROW * BATCH * BATCHES, "out")) {
      ring.open(upload, new DeviceMemory(context, false), stream);
      DeviceBuffer rows = ring.memories().get(data).buffer();
      for (long first = 0; first < BATCH * BATCHES; first += BATCH) {
        ring.load(first, BATCH, bug == Bug.LAUNCHES_DO_NOT_WAIT_FOR_COPIES ? idle : stream);
        for (long position = first; position < first + BATCH; position++) {
          long row = position % ring.size().rows();
          out.slice(4 * ROW * position, 4 * ROW)
              .copyFrom(rows.slice(4 * ROW * row, 4 * ROW), stream);
        }
        ring.used(first, BATCH, bug == Bug.COPIES_DO_NOT_WAIT_FOR_LAUNCHES ? idle : stream);
        ring.readAhead(first + BATCH);
      }
      stream.synchronize();
      return out.read(new int[ROW * BATCH * BATCHES]);
    }
  }

  private static int[] expected() {
    int[] expected = new int[ROW * BATCH * BATCHES];
    Arrays.setAll(expected, i -> ORDER.sample(i / ROW) * ROW + i % ROW);
    return expected;
  }

  @Test
  void rowsComeInTheirOrder() {
    for (long seed = 0; seed < 5; seed++) {
      assertArrayEquals(expected(), fetched(seed, Bug.NONE), "seed " + seed);
    }
  }

  @Test
  void withoutAWaitTheyDoNot() {
    for (Bug bug : List.of(Bug.values()).subList(1, 3)) {
      int wrong = 0;
      for (long seed = 0; seed < 5; seed++) {
        wrong += Arrays.equals(expected(), fetched(seed, bug)) ? 0 : 1;
      }
      assertTrue(wrong > 0, bug + " was not seen");
    }
  }

  @Test
  void theCheckerNamesAMissingWait() {
    Simulator.get().set("checked", "1");
    assertArrayEquals(expected(), fetched(3, Bug.NONE));
    for (Bug bug : List.of(Bug.values()).subList(1, 3)) {
      CudaException error = assertThrows(CudaException.class, () -> fetched(0, bug), bug.name());
      assertTrue(error.getMessage().contains("race between unordered work"), error.getMessage());
    }
  }

  @Test
  void chunksAreWholeWordsAndAsLargeAsThereIsRoom() {
    int batch = 64;
    int rowBytes = 3073;
    RowRing.Size ample = RowRing.Size.fitting(batch, rowBytes, 50_000, Long.MAX_VALUE);
    assertEquals(new RowRing.Size(1364, 4), ample);
    assertTrue(ample.takes(1365) && !ample.takes(1366));
    RowRing.Size tight = RowRing.Size.fitting(batch, rowBytes, 50_000, 1_000_000);
    assertTrue(tight.rows() * rowBytes <= 1_000_000 && tight.takes(batch), tight.toString());
    assertEquals(0, tight.chunkRows() % 4);
    RowRing.Size none = RowRing.Size.fitting(batch, rowBytes, 50_000, 0);
    assertEquals(new RowRing.Size(4, 34), none);
    assertTrue(none.takes(batch));
    assertFalse(none.takes(2L * batch));
    // Rows of 5 MB, larger than a pinned buffer.
    assertEquals(4, RowRing.Size.fitting(1, 5L << 20, 100, Long.MAX_VALUE).chunkRows());
  }
}
