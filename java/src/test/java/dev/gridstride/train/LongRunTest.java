package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulator;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fifty epochs take no more memory than three. */
class LongRunTest {
  private static final int EPOCHS = 50;

  /** When everything is compiled and allocated that there will be. */
  private static final int SETTLED = 3;

  /** What Java's compilers and the C library may take meanwhile. */
  private static final long NATIVE_SLACK = 64L << 20;

  private static final long BYTES_A_STEP = 1024;

  /** What is open on the simulated device, and how often something was opened. */
  private static final List<String> COUNTED =
      List.of(
          "allocations",
          "pinned",
          "modules",
          "streams",
          "events",
          "graphs",
          "contexts",
          "cuMemAlloc_v2",
          "cuMemAllocHost_v2",
          "cuModuleLoadDataEx",
          "cuStreamCreate",
          "cuEventCreate",
          "cuGraphInstantiateWithFlags",
          "cuLaunchKernel");

  @TempDir private Path folder;

  private static final class Watch implements Callback {
    private final Session session;
    private final boolean simulated;
    private final com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    final List<Object> counts = new ArrayList<>();
    final List<Long> nativeBytes = new ArrayList<>();
    final List<Long> bytesOfSteps = new ArrayList<>();
    private long before;

    Watch(Session session, boolean simulated) {
      this.session = session;
      this.simulated = simulated;
    }

    @Override
    public void onEpochBegin(Run run) {
      before = -1;
    }

    @Override
    public void onStepEnd(Run run) {
      long now = threads.getCurrentThreadAllocatedBytes();
      if (before >= 0 && run.epoch() > SETTLED) {
        bytesOfSteps.add(now - before);
      }
      before = threads.getCurrentThreadAllocatedBytes();
    }

    @Override
    public void onEpochEnd(Run run, History.Epoch epoch) {
      List<Long> device =
          simulated ? COUNTED.stream().map(Simulator.get()::count).toList() : List.of();
      counts.add(List.of(session.memoryUse(), device));
      nativeBytes.add(residentBytes() - heapBytes());
    }

    private static long heapBytes() {
      return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getCommitted();
    }

    private static long residentBytes() {
      try {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
            .findFirst()
            .orElse(0);
      } catch (IOException e) {
        return 0; // not on Linux
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "sim"})
  void nothingGrowsFromEpochToEpoch(String device) {
    assumeTrue(Tiny.devices().anyMatch(device::equals), device + " is not available");
    try (Session session = Tiny.open(device)) {
      Watch watch = new Watch(session, device.equals("sim"));
      Trainer trainer =
          Tiny.builder(Tiny.stateful(), session)
              .augmentation(Tiny.augmentation())
              .batch(4)
              .callback(watch)
              .callback(new SaveCheckpoint(folder))
              .build();
      trainer.fit(Tiny.TRAIN, Tiny.TEST, EPOCHS);
      for (int epoch = SETTLED; epoch < EPOCHS; epoch++) {
        assertEquals(watch.counts.get(SETTLED - 1), watch.counts.get(epoch), COUNTED.toString());
      }
      long growth = watch.nativeBytes.get(EPOCHS - 1) - watch.nativeBytes.get(EPOCHS / 2);
      assertTrue(growth < NATIVE_SLACK, "native memory grew by " + growth + " bytes");
      long most =
          watch.bytesOfSteps.stream()
              .sorted()
              .skip(watch.bytesOfSteps.size() / 2)
              .findFirst()
              .orElseThrow();
      assertTrue(most <= BYTES_A_STEP, "a step allocates " + most + " bytes of Java memory");
    }
  }
}
