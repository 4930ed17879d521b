package dev.gridstride.events;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Models;
import dev.gridstride.program.Shape;
import dev.gridstride.train.Trainer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Java's flight recorder sees. */
class EventsTest {
  private static final int SAMPLES = 10;
  private static final int BATCH = 4;

  @TempDir private Path folder;

  private static void requireDevice(String device) {
    Backend backend =
        Backends.all().stream().filter(b -> b.name().equals(device)).findFirst().orElseThrow();
    String problem = backend.unavailableReason();
    assumeTrue(problem == null, () -> "skipped, no " + device + ": " + problem);
  }

  private static Trainer trainer(Session session) {
    Model model = Models.create("cifar10-cnn", Shape.of(1, 10, 10), 3, new Models.Options(false));
    return Trainer.builder(model, session).batch(BATCH).seed(1).build();
  }

  private static Dataset data() {
    return Synthetic.of("train", Shape.of(1, 10, 10), 3, SAMPLES, 1, 0);
  }

  /** The events of a session on a device while something is done with it. */
  private List<RecordedEvent> record(String device, Consumer<Session> action) throws IOException {
    Path file = folder.resolve("events.jfr");
    try (Recording recording = new Recording()) {
      for (Class<? extends jdk.jfr.Event> event :
          List.of(StepEvent.class, KernelEvent.class, MemoryEvent.class, CompileEvent.class)) {
        recording.enable(event);
      }
      recording.start();
      try (Session session = Backends.open(device, 1).session()) {
        action.accept(session);
      }
      recording.stop();
      recording.dump(file);
    }
    return RecordingFile.readAllEvents(file);
  }

  private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
    return events.stream()
        .filter(event -> event.getEventType().getName().equals("dev.gridstride." + name))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "sim"})
  void trainingStepsAndCompilesAreRecorded(String device) throws IOException {
    requireDevice(device);
    List<RecordedEvent> events = record(device, session -> trainer(session).fit(data(), null, 2));
    List<RecordedEvent> steps = named(events, "TrainingStep");
    assertEquals(
        List.of("1 0 4 1", "1 4 4 1", "1 8 2 1", "2 0 4 1", "2 4 4 1", "2 8 2 1"),
        steps.stream()
            .map(
                step ->
                    step.getInt("epoch")
                        + " "
                        + step.getInt("position")
                        + " "
                        + step.getInt("samples")
                        + " "
                        + step.getInt("steps"))
            .toList());
    List<RecordedEvent> compiles = named(events, "Compile");
    assertEquals(2, compiles.size(), "full batch and rest");
    assertEquals(device, compiles.get(0).getString("device"));
    assertTrue(compiles.get(0).getInt("nodes") > 20);
    assertTrue(compiles.get(0).getLong("bytes") > 0);
  }

  @Test
  void allDeviceMemoryIsRecordedAndSoIsItsEnd() throws IOException {
    requireDevice("sim");
    List<RecordedEvent> memory =
        named(
            record("sim", session -> trainer(session).trainingStep(data()).run()), "DeviceMemory");
    List<Long> allocated = addresses(memory, "allocate");
    assertTrue(!allocated.isEmpty());
    assertEquals(allocated, addresses(memory, "free"));
    assertTrue(memory.stream().allMatch(event -> event.getLong("bytes") > 0));
  }

  private static List<Long> addresses(List<RecordedEvent> memory, String action) {
    return memory.stream()
        .filter(event -> event.getString("action").equals(action))
        .map(event -> event.getLong("address"))
        .sorted()
        .toList();
  }

  @Test
  void aProfileRecordsEachKernelWithItsTimeOnTheDevice() throws IOException {
    requireDevice("sim");
    List<RecordedEvent> kernels =
        named(record("sim", session -> trainer(session).trainingStep(data()).profile(2)), "Kernel");
    List<RecordedEvent> timed =
        kernels.stream().filter(event -> event.getString("node") != null).toList();
    assertEquals(
        2, timed.stream().filter(event -> event.getString("kernel").contains("adam")).count());
    assertTrue(timed.stream().anyMatch(event -> event.getLong("deviceTime") > 0));
    assertTrue(
        timed.stream().anyMatch(event -> event.getString("node").contains("Conv2d[")),
        "nodes are named");
    // The plain launches themselves are recorded too, without a node.
    assertTrue(kernels.size() > timed.size());
  }

  @Test
  void eventsThatNobodyRecordsMakeNoObjects() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    NvtxRange range = new NvtxRange("nothing");
    emit(range);
    long before = threads.getCurrentThreadAllocatedBytes();
    emit(range);
    long bytes = threads.getCurrentThreadAllocatedBytes() - before;
    // The measurement itself may take a few.
    assertTrue(bytes < 1000, bytes + " bytes in 10,000 events of each kind");
  }

  /** A process that has recorded once asks the recorder from then on. */
  @Test
  void norDoTheyAfterARecording() throws Exception {
    try (Recording recording = new Recording()) {
      recording.start();
    }
    eventsThatNobodyRecordsMakeNoObjects();
  }

  private static void emit(NvtxRange range) {
    for (int i = 0; i < 10_000; i++) {
      StepEvent.end(StepEvent.start(), 1, 0, 4, 1);
      KernelEvent.end(KernelEvent.start(), "kernel", "launch");
      MemoryEvent.allocated("x", 4, 1);
      CompileEvent.end(CompileEvent.start(), "sim", 1, "y", 4);
      range.push();
      NvtxRange.pop();
    }
  }
}
