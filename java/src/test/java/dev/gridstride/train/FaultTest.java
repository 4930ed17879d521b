package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.Conv2d;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.MaxPool2d;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Sequential;
import dev.gridstride.nn.Softmax;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Field;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * A short training on the simulated device, every driver call of which is made to fail in turn,
 * with each code that it may plausibly give.
 */
@ExtendWith(OnSimulatedDevice.class)
class FaultTest {
  private static final int EPOCHS = 2;

  /** Enough to see what is wrong. */
  private static final int MOST_WRONG = 20;

  private static final Shape SAMPLE = Shape.of(1, 6, 6);
  private static final Dataset TRAIN = Synthetic.of("fault train", SAMPLE, 2, 8, 5, 0);
  private static final Dataset TEST = Synthetic.of("fault test", SAMPLE, 2, 4, 5, 1);

  private static final List<String> COUNTED =
      List.of(
          "allocations", "pinned", "modules", "streams", "events", "graphs", "pools", "contexts");

  /** A type with its shape. */
  private static final Pattern SHAPE =
      Pattern.compile("(float32|float64|uint8|int32|int64)\\[[0-9,]*\\]");

  @TempDir private Path folder;
  @RegisterExtension private final DriverWarnings warnings = new DriverWarnings();

  /** What a run has come to when it ended, one way or the other. */
  private static final class Outcome implements Callback {
    final List<Double> losses = new ArrayList<>();
    final List<Map<String, Tensor>> checkpoints = new ArrayList<>();
    Evaluation evaluation;
    Tensor predictions;

    RuntimeException failure;
    boolean opened;
    private final Path folder;

    Outcome(Path folder) {
      this.folder = folder;
    }

    @Override
    public void onStepEnd(Run run) {
      losses.add(run.loss());
    }

    @Override
    public void onEpochEnd(Run run, History.Epoch epoch) {
      checkpoints.add(Checkpoint.load(folder).tensors());
    }

    boolean isAs(Outcome other) {
      return failure == null
          && losses.equals(other.losses)
          && checkpoints.equals(other.checkpoints)
          && evaluation.equals(other.evaluation)
          && predictions.equals(other.predictions);
    }
  }

  private static Model net() {
    return new Model(
        "fault-cnn",
        SAMPLE,
        Sequential.of(
            Conv2d.of(2, 3).relu(), MaxPool2d.of(2), new Flatten(), Dense.of(2), new Softmax()));
  }

  private Outcome train() {
    Outcome outcome = new Outcome(folder);
    try (Session session = Tiny.open("sim")) {
      outcome.opened = true;
      Trainer trainer =
          Tiny.builder(net(), session)
              .batch(4)
              .callback(new SaveCheckpoint(folder))
              .callback(outcome)
              .build();
      trainer.fit(TRAIN, TEST, EPOCHS);
      outcome.evaluation = trainer.evaluate(TEST);
      outcome.predictions = trainer.predict(TEST.samples());
    } catch (RuntimeException e) {
      outcome.failure = e;
    }
    return outcome;
  }

  /** As if this process had not called the driver yet. */
  private static void forgetTheDriver() throws ReflectiveOperationException {
    Field loaded = CudaDriver.class.getDeclaredField("loaded");
    loaded.setAccessible(true);
    Field started = CudaDriver.class.getDeclaredField("started");
    started.setAccessible(true);
    started.set(loaded.get(null), false);
  }

  @Test
  void everyCallMayFailInEveryWay() throws Exception {
    Simulator simulator = Simulator.get();
    train(); // whatever Java does only once
    List<Long> counts = counts();
    int threads = threads();
    simulator.startTrace();
    forgetTheDriver();
    Outcome expected = train();
    Map<String, Integer> calls = new LinkedHashMap<>();
    simulator.endTrace().forEach(call -> calls.merge(call, 1, Integer::sum));
    assertNull(expected.failure);
    assertEquals(List.of(), warnings.messages());

    List<String> wrong = new ArrayList<>();
    int faults = 0;
    for (Map.Entry<String, Integer> call : calls.entrySet()) {
      String name = call.getKey();
      for (int code : codes(name)) {
        for (int nth = 1; nth <= call.getValue() && wrong.size() < MOST_WRONG; nth++) {
          String fault = name + " number " + nth + " of " + call.getValue() + " with " + code;
          forget();
          long already = Math.max(0, simulator.count(name));
          simulator.fault(name, nth, code);
          Outcome got = train();
          simulator.clearFaults();
          // How often the host waits for the device depends on how fast it is.
          if (simulator.count(name) - already >= nth) {
            faults++;
            problems(name, code, got, expected).forEach(p -> wrong.add(fault + ": " + p));
          }
          if (!counts().equals(counts)) {
            wrong.add(fault + ": left open " + COUNTED + " " + counts() + ", not " + counts);
          }
          if (threads() > threads) {
            wrong.add(fault + ": " + threads() + " threads, not " + threads);
          }
        }
        forget();
        if (!train().isAs(expected)) {
          wrong.add("the run after " + name + " with " + code + " is another");
        }
      }
    }
    assertEquals("", String.join("\n", wrong));
    assertTrue(faults > calls.values().stream().mapToInt(n -> n).sum(), faults + " faults");
  }

  /** What a call may return by CUDA's documentation, and what cards are seen to return. */
  private static int[] codes(String call) {
    return switch (call.replaceFirst("_v2$", "")) {
      case "cuInit" -> new int[] {2, 34, 100, 304, 802, 803, 804, 999};
      case "cuDriverGetVersion", "cuDeviceGetCount" -> new int[] {3, 4};
      case "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute", "cuDeviceTotalMem" ->
          new int[] {4, 101};
      case "cuCtxCreate" -> new int[] {2, 46, 101, 214, 805, 999};
      case "cuCtxSetCurrent" -> new int[] {4, 201};
      case "cuCtxDestroy" -> new int[] {4, 201, 700, 999};
      case "cuStreamCreate", "cuEventCreate" -> new int[] {2, 4, 700};
      case "cuMemAlloc", "cuMemAllocHost" -> new int[] {2, 4, 719, 999};
      case "cuMemFree", "cuMemFreeHost" -> new int[] {1, 700};
      case "cuMemGetInfo" -> new int[] {201};
      case "cuModuleLoadDataEx" -> new int[] {2, 200, 209, 218, 222, 301};
      case "cuModuleGetFunction" -> new int[] {500, 700};
      case "cuModuleUnload", "cuEventDestroy", "cuStreamDestroy" -> new int[] {4, 400, 719};
      case "cuFuncGetAttribute", "cuFuncSetAttribute" -> new int[] {400};
      case "cuFuncGetParamInfo" -> new int[] {400};
      case "cuLaunchKernel" -> new int[] {1, 700, 701, 719, 999};
      case "cuMemcpyHtoD", "cuMemcpyDtoH" -> new int[] {1, 700, 702, 719, 999};
      case "cuMemsetD8Async", "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuMemcpyDtoDAsync" ->
          new int[] {1, 700, 719, 999};
      case "cuStreamSynchronize", "cuEventSynchronize" -> new int[] {214, 700, 702, 719, 999};
      case "cuEventRecord", "cuStreamWaitEvent" -> new int[] {400, 700, 999};
      case "cuEventQuery" -> new int[] {400, 700, 719, 999};
      case "cuStreamBeginCapture" -> new int[] {1, 4, 900};
      case "cuStreamEndCapture" -> new int[] {1, 901, 904};
      case "cuGraphInstantiateWithFlags" -> new int[] {1, 2, 801, 999};
      case "cuGraphLaunch" -> new int[] {1, 2, 700, 701, 719, 999};
      case "cuGraphDestroy", "cuGraphExecDestroy" -> new int[] {1, 4};
      default -> throw new AssertionError(call + ": which codes does it have?");
    };
  }

  private List<String> problems(String call, int code, Outcome got, Outcome expected) {
    List<String> problems = new ArrayList<>();
    if (!got.losses.equals(expected.losses.subList(0, got.losses.size()))) {
      problems.add("other losses until then: " + got.losses);
    }
    if (!got.checkpoints.equals(expected.checkpoints.subList(0, got.checkpoints.size()))) {
      problems.add("other checkpoints until then");
    }
    checkLast(got, expected, problems);
    // What fails while something is closed does not stop anybody, but it is told.
    boolean closing = got.failure == null;
    String told =
        String.join("; ", warnings.messages()) + (closing ? "" : got.failure.getMessage());
    if (closing) {
      if (!got.isAs(expected)) {
        problems.add("went on without an exception and came to something else");
      }
      if (!isRelease(call)) {
        problems.add("no exception");
      }
    } else if (!(got.failure instanceof BackendException)) {
      problems.add("not a BackendException: " + got.failure);
    }
    String plainCall = call.replaceFirst("(WithFlags)?(_v2)?$", "");
    for (String part :
        List.of(plainCall + " failed: CUDA_ERROR_", " (" + code + ") on ", "device")) {
      if (!told.contains(part)) {
        problems.add("does not tell " + part + ": " + told);
      }
    }
    if (!closing && got.opened && !SHAPE.matcher(told).find()) {
      problems.add("tells no op or value with its shape: " + told);
    }
    return problems;
  }

  /** Calls that are made while something is closed, perhaps among other times. */
  private static boolean isRelease(String call) {
    return call.contains("Destroy")
        || call.contains("Free")
        || call.contains("Unload")
        || call.equals("cuCtxSetCurrent")
        || call.equals("cuStreamSynchronize");
  }

  /** The checkpoint on the disk must be a whole one of this run. */
  private void checkLast(Outcome got, Outcome expected, List<String> problems) {
    if (Files.notExists(folder.resolve(Checkpoint.FILE))) {
      if (!got.checkpoints.isEmpty()) {
        problems.add("the checkpoint is gone");
      }
      return;
    }
    Checkpoint last = Checkpoint.load(folder);
    int epoch = last.info().epoch();
    if (epoch < got.checkpoints.size()
        || !last.tensors().equals(expected.checkpoints.get(epoch - 1))) {
      problems.add("the checkpoint is another");
    }
  }

  private static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  private static int threads() {
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }

  /** Makes the next run like a first one. */
  private void forget() throws IOException, ReflectiveOperationException {
    warnings.messages().clear();
    forgetTheDriver();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
  }
}
