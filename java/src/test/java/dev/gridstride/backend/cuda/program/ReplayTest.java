package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.KernelSource;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Relu;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A program is recorded once and replayed: what that takes of the driver, of Java and of time. */
@ExtendWith(OnSimulatedDevice.class)
class ReplayTest {
  private static final int LAUNCH_FAILED = 719;
  private static final int NOT_PERMITTED = 800;

  /** Calls by which the host waits for the device. */
  private static final List<String> WAITS =
      List.of(
          "cuStreamSynchronize",
          "cuCtxSynchronize",
          "cuEventSynchronize",
          "cuMemcpyDtoH_v2",
          "cuMemcpyHtoD_v2");

  private Simulator simulator;

  @BeforeEach
  void getSimulator() {
    simulator = Simulator.get();
  }

  private static Session open() {
    return SimulatedBackend.open(DeviceOptions.DEFAULT, SessionOptions.DEFAULT);
  }

  private static final Counting NET = Counting.of();

  @Test
  void aRunIsOneLaunchOfAGraph() {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      long launches = simulator.count("cuLaunchKernel");
      long graphs = simulator.count("cuGraphLaunch");
      for (int i = 0; i < 10; i++) {
        executable.run();
      }
      assertEquals(10, simulator.count("cuGraphLaunch") - graphs);
      assertEquals(launches, simulator.count("cuLaunchKernel"), "kernels launched by themselves");
      NET.check(session, 10);
    }
  }

  /** A graph holds the runs of a call; it is recorded once for each number, for a few numbers. */
  @ParameterizedTest
  @CsvSource({"1, 1, 0", "2, 1, 1", "100, 1, 1", "12000, 2, 2"})
  void severalRunsAreAsManyInAsFewLaunchesAsFit(int times, int launches, int recordings) {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      long recorded = simulator.count("cuStreamEndCapture");
      long before = simulator.count("cuGraphLaunch");
      executable.run(times);
      assertEquals(launches, simulator.count("cuGraphLaunch") - before);
      executable.run(times);
      NET.check(session, 2 * times);
      assertEquals(recordings, simulator.count("cuStreamEndCapture") - recorded);
      NET.check(session, 2 * times);
    }
  }

  @Test
  void everyNumberOfRunsWorksAndOnlyAFewGraphsAreKept() {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      long graphs = simulator.count("graphs");
      int runs = 0;
      for (int times = 1; times < 20; times++) {
        executable.run(times);
        runs += times;
      }
      NET.check(session, runs);
      assertEquals(3, simulator.count("graphs") - graphs);
      assertThrows(IllegalArgumentException.class, () -> executable.run(0));
    }
  }

  /** The queue is bounded by waits for events, and for nothing else; the first ones are close. */
  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void theHostIsNeverFarAheadOfTheDevice(int times) {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      executable.run(times);
      List<Long> waits = WAITS.stream().map(simulator::count).toList();
      long most = 0;
      int launches = 2000;
      for (int i = 0; i < launches; i++) {
        executable.run(times);
        most = Math.max(most, simulator.count("pending"));
      }
      int pieces = NET.program().nodes().size() * times + 2; // the graph's begin and end
      int inFlight = 2 * LaunchQueue.MOST;
      assertTrue(most <= inFlight * pieces + 2, most + " pieces of work pending");
      assertTrue(most > 0, "the host waited for every run");
      List<Long> waited = new ArrayList<>();
      for (int i = 0; i < waits.size(); i++) {
        waited.add(simulator.count(WAITS.get(i)) - waits.get(i));
      }
      long events = waited.remove(WAITS.indexOf("cuEventSynchronize"));
      assertTrue(events <= launches / LaunchQueue.MOST + 20, events + " waits");
      assertEquals(List.of(0L, 0L, 0L, 0L), waited);
      NET.check(session, (launches + 1) * times);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 50})
  void runsMakeNoObjects(int times) {
    try (Session session = open();
        Readings readings = followed(session)) {
      Executable executable = session.compile(NET.program());
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long least = Long.MAX_VALUE;
      for (int attempt = 0; attempt < 5 && least > 0; attempt++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 500; i++) {
          executable.run(times);
          readings.poll();
          readings.request();
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, "bytes allocated by 500 launches and readings");
    }
  }

  private static Readings followed(Session session) {
    session.compile(NET.program());
    return session.follow(List.of(NET.count(), NET.sum()));
  }

  @Test
  void aLongRunTakesNoMoreMemoryThanAShortOne() throws IOException {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      for (int i = 0; i < 5_000; i++) {
        executable.run();
      }
      session.readScalar(NET.count());
      long before = residentBytes();
      for (int i = 0; i < 50_000; i++) {
        executable.run();
      }
      NET.check(session, 55_000);
      long grown = residentBytes() - before;
      // A hundred bytes a run would be 5 MB; Java's own collector moves less than the bound.
      assertTrue(grown < 4 << 20, grown + " bytes more after 50,000 runs");
    }
  }

  private static long residentBytes() throws IOException {
    String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ");
    return Long.parseLong(pages[1]) * 4096;
  }

  @Test
  void readingsAreOfOneMomentAndComeLater() {
    try (Session session = open();
        Readings readings = followed(session)) {
      Executable executable = session.compile(NET.program());
      assertEquals(0, readings.get(0));
      executable.run(5);
      readings.request();
      executable.run();
      List<Long> waits = WAITS.stream().map(simulator::count).toList();
      readings.request(); // the first is still open
      assertEquals(0, readings.get(0), "before it was taken");
      while (!readings.poll()) {
        Thread.onSpinWait();
      }
      assertEquals(waits, WAITS.stream().map(simulator::count).toList(), "the host waited");
      assertEquals(5, readings.get(0));
      assertEquals(30, readings.get(1));
      readings.request();
      readings.await();
      assertEquals(6, readings.get(0));
      assertEquals(45, readings.get(1));
      Value unknown = Value.of("unknown", TensorType.float32(), Role.STATE, false);
      assertThrows(BackendException.class, () -> session.follow(List.of(unknown)));
    }
  }

  @Test
  void runsAndWritesKeepTheirOrder() {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      executable.run(3);
      session.write(NET.count(), Tensor.of(Shape.scalar(), 100L));
      executable.run();
      assertEquals(101, session.readScalar(NET.count()));
      assertEquals(9 + 300, session.readScalar(NET.sum()));
    }
  }

  @Test
  void aFailedLaunchNamesTheRunItsNodesAndTheirShapes() {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      executable.run(7);
      simulator.fault("cuGraphLaunch", 1, NOT_PERMITTED);
      BackendException error = assertThrows(BackendException.class, executable::run);
      String message = error.getMessage();
      assertTrue(message.startsWith("sim: run 8 of a program of 3 nodes, from sum = "), message);
      assertTrue(message.contains("y = Relu[](x), float32[2,3] to float32[2,3]"), message);
      assertTrue(message.contains("cuGraphLaunch failed: CUDA_ERROR_NOT_PERMITTED"), message);
    }
  }

  @Test
  void anErrorThatSurfacesLaterNamesTheRunBefore() {
    try (Session session = open()) {
      Executable executable = session.compile(NET.program());
      executable.run();
      simulator.fault("cuMemcpyDtoH_v2", 1, LAUNCH_FAILED);
      BackendException error = assertThrows(BackendException.class, () -> session.read(NET.sum()));
      assertTrue(error.getMessage().contains("run 1 of a program of 3 nodes"), error.getMessage());
    }
  }

  /** Stops the device. */
  private record Trap() implements CudaOp {
    @Override
    public String name() {
      return "trap";
    }

    @Override
    public List<TensorType> outputTypes(List<TensorType> inputs) {
      return inputs;
    }

    @Override
    public KernelCode kernels() {
      return KernelCode.of(
          KernelSource.of(
              "trap.cu",
              "extern \"C\" __global__ void spring_trap(float* y, const float* x) { __trap(); }"));
    }

    @Override
    public void launch(Launcher l) {
      l.launch("spring_trap", Dim.of(1), Dim.of(1), 0, l.output(0), l.input(0));
    }
  }

  /** The launch of the graph succeeds; what was in it fails when somebody waits. */
  @Test
  void aKernelThatFailsIsNamedWithItsNode() {
    Simulated.requireCompiler();
    Program.Builder b = new Program.Builder();
    Value hidden = b.add("hidden", new Relu(), b.input("x", TensorType.float32(2, 3)));
    Value y = b.add("y", new Trap(), hidden);
    b.output(y);
    try (Session session = open()) {
      Executable executable = session.compile(b.build());
      executable.run();
      BackendException error = assertThrows(BackendException.class, () -> executable.read(y));
      String message = error.getMessage();
      assertTrue(message.contains("run 1 of a program of 2 nodes"), message);
      assertTrue(message.contains(", in y = Trap[](hidden), float32[2,3] to float32"), message);
      assertTrue(message.contains("spring_trap"), message);
    }
  }

  /** Whatever call of the recording fails, the session goes on and nothing is left. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cuStreamBeginCapture_v2",
        "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags",
        "cuLaunchKernel"
      })
  void aFailedRecordingLeavesNothing(String call) {
    try (Session session = open()) {
      session.compile(NET.program()).close();
      List<Long> before = List.of(simulator.count("graphs"), simulator.count("allocations"));
      simulator.fault(call, 1, NOT_PERMITTED);
      String message =
          assertThrows(BackendException.class, () -> session.compile(NET.program())).getMessage();
      assertTrue(message.contains("CUDA_ERROR_NOT_PERMITTED"), message);
      simulator.clearFaults();
      assertEquals(before, List.of(simulator.count("graphs"), simulator.count("allocations")));
      try (Executable executable = session.compile(NET.program())) {
        executable.run(2);
        NET.check(session, 2);
      }
    }
  }
}
