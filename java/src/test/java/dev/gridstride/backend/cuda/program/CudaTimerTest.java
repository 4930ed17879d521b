package dev.gridstride.backend.cuda.program;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Rates;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.Timing;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.backend.cuda.CardClocks;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.FakeNvml;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Program;
import dev.gridstride.program.TensorType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What lies between the events of a sample, and that timing leaves nothing behind. */
@ExtendWith(OnSimulatedDevice.class)
class CudaTimerTest {
  private static final long HEAT = 0x20;
  private static final int ILLEGAL_ADDRESS = 700;
  private static final TimingOptions COLD =
      TimingOptions.COLD
          .withNoise(0)
          .withSamples(5, 5)
          .withWarmUp(Duration.ZERO)
          .withLimit(Duration.ofMinutes(1));
  private static final TimingOptions WARM = COLD.withCache(TimingOptions.Cache.WARM);

  private static final DataFeeds NO_DATA =
      new DataFeeds(List.of(), new Cursors.Changes(), null, value -> 0, () -> {});

  private Simulator simulator;

  @BeforeEach
  void getSimulator() {
    simulator = Simulator.get();
  }

  private static Session open() {
    return SimulatedBackend.open(DeviceOptions.DEFAULT, SessionOptions.DEFAULT);
  }

  private static final Counting NET = Counting.of();

  /**
   * The calls of the driver while a program is timed, as letters: fills (M), events (E), launches
   * of kernels (L) and graphs (G), and waits for the stream (S).
   */
  private String calls(Runnable timing) {
    simulator.startTrace();
    timing.run();
    Map<String, String> letters =
        Map.of(
            "cuMemsetD8Async",
            "M",
            "cuEventRecord",
            "E",
            "cuLaunchKernel",
            "L",
            "cuGraphLaunch",
            "G",
            "cuStreamSynchronize",
            "S");
    return simulator.endTrace().stream()
        .map(call -> letters.getOrDefault(call, ""))
        .collect(joining());
  }

  @Test
  void aColdSampleIsThePlainLaunchesRightAfterAFlush() {
    try (Session session = open()) {
      String calls = calls(() -> session.compile(NET.program()).time(COLD));
      assertEquals(5, Pattern.compile("M+ELLLE").matcher(calls).results().count(), calls);
      assertTrue(calls.contains("ELLLEM"), "the host waits between samples: " + calls);
    }
  }

  /** A run that takes the host long comes after a flush that takes the device longer. */
  @Test
  void theFlushIsAsLongAsTheHostNeeds() {
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaStream stream = context.createStream();
        DeviceBuffer from = context.allocate(1024);
        DeviceBuffer to = context.allocate(1024)) {
      from.fill((byte) 1, stream);
      Consumer<CudaStream> slow =
          s -> {
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
            to.copyFrom(from, s);
          };
      CudaTimer.Work work = new CudaTimer.Work(1, slow, () -> to.copyFrom(from, stream), NO_DATA);
      try (CudaTimer timer =
          new CudaTimer(context, stream, work, CardClocks.of(context.device()))) {
        String calls = calls(() -> timer.time(COLD.withSamples(2, 2)));
        assertEquals(2, Pattern.compile("M{2,}EE").matcher(calls).results().count(), calls);
      }
    }
  }

  @Test
  void aWarmSampleIsOneGraphOfManyRuns() {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      String calls = calls(() -> executable.time(WARM));
      assertEquals(5, Pattern.compile("EGE").matcher(calls).results().count(), calls);
      assertTrue(calls.contains("EGEEGE"), "the host waits between samples: " + calls);
      assertFalse(calls.contains("M"), calls);
      long before = NET.check(session);
      Timing timing = executable.time(WARM);
      assertTrue(timing.runsPerSample() > 1, timing.toString());
      assertTrue(NET.check(session) >= before + 6L * timing.runsPerSample(), timing.toString());
    }
  }

  @ParameterizedTest
  @EnumSource
  void runsCountAndNothingStays(TimingOptions.Cache cache) {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      executable.time(COLD.withCache(cache));
      long before = NET.check(session);
      assertTrue(before >= 1 + 5, "runs: " + before);
      List<Long> open = open(session);
      Timing timing = executable.time(COLD.withCache(cache));
      assertTrue(NET.check(session) >= before + 1 + 5L * timing.runsPerSample());
      assertEquals(open, open(session));
      assertTrue(timing.hostNanos() > 0, timing.toString());
      assertTrue(timing.median() > 0, timing.toString());
      assertTrue(timing.note().contains("simulated"), timing.note());
      assertEquals(Timing.Clocks.UNKNOWN, timing.clocks());
    }
  }

  private List<Long> open(Session session) {
    List<Long> counts = new ArrayList<>(List.of(session.memoryUse().bytes()));
    for (String what : List.of("allocations", "events", "graphs", "pinned", "streams")) {
      counts.add(simulator.count(what));
    }
    return counts;
  }

  /** The second and third group of samples are taken while the card is too hot. */
  @Test
  void samplesOfAThrottledCardAreDropped(@TempDir Path folder) throws Exception {
    FakeNvml nvml = FakeNvml.load(folder, false);
    nvml.reasons(0, HEAT, HEAT);
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaStream stream = context.createStream();
        DeviceBuffer buffer = context.allocate(1024)) {
      CudaTimer.Work work =
          new CudaTimer.Work(
              1, s -> buffer.fill((byte) 1, s), () -> buffer.fill((byte) 1, stream), NO_DATA);
      Timing timing;
      try (CudaTimer timer = new CudaTimer(context, stream, work, nvml.clocks())) {
        timing = timer.time(WARM);
      }
      assertEquals(5, timing.samples());
      assertTrue(timing.dropped() >= 2, timing.toString());
      assertEquals(new Timing.Clocks(1980, 1980, 2619, List.of("heat")), timing.clocks());
      assertTrue(timing.toString().contains("dropped while throttled"), timing.toString());
    }
  }

  @Test
  void aFailureNamesTheProgramAndLeavesNothing() {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      executable.time(COLD);
      List<Long> open = open(session);
      simulator.fault("cuMemAlloc_v2", 1, 2);
      BackendException e = assertThrows(BackendException.class, () -> executable.time(COLD));
      assertTrue(e.getMessage().contains("flush of the L2"), e.getMessage());
      assertEquals(open, open(session));
      executable.time(COLD);
      simulator.fault("cuLaunchKernel", 3, ILLEGAL_ADDRESS);
      e = assertThrows(BackendException.class, () -> executable.time(COLD));
      assertTrue(e.getMessage().contains("in y = Relu"), e.getMessage());
    }
    assertEquals(0, simulator.count("contexts"));
  }

  @Test
  void aProgramWithoutWorkIsRefused() {
    Program.Builder b = new Program.Builder();
    b.output(b.input("x", TensorType.float32(2, 3)));
    try (Session session = open()) {
      Executable executable = session.compile(b.build());
      BackendException e = assertThrows(BackendException.class, () -> executable.time(COLD));
      assertTrue(e.getMessage().contains("nothing to run"), e.getMessage());
    }
  }

  @Test
  void theSimulatedDeviceHasACopyRateAndNoPeak() {
    try (Session session = open()) {
      List<Long> open = open(session);
      Rates rates = session.rates();
      assertTrue(rates.copyBytesPerSecond() > 0, rates.toString());
      assertTrue(rates.copySource().contains("simulated"), rates.toString());
      for (Precision precision : Precision.values()) {
        assertTrue(Double.isNaN(rates.peakFlops(precision)));
      }
      assertEquals(open, open(session));
    }
  }
}
