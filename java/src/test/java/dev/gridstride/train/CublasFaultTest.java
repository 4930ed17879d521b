package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.Conv2d;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Sequential;
import dev.gridstride.nn.Softmax;
import dev.gridstride.program.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A short training by cuBLAS on the simulated device, every call of which fails in turn. */
@ExtendWith(OnSimulatedDevice.class)
class CublasFaultTest {
  private static final Shape SAMPLE = Shape.of(4, 3, 3);
  private static final Dataset TRAIN = Synthetic.of("cublas faults", SAMPLE, 2, 8, 5, 0);
  private static final DeviceOptions CUBLAS =
      DeviceOptions.DEFAULT.withImplementations(ImplementationChoice.parse("cublas"));
  private static final List<String> COUNTED =
      List.of(
          "allocations", "modules", "streams", "events", "graphs", "contexts", "cublas_handles");

  /** Not initialised, no memory, wrong value, failed to run, not supported. */
  private static final int[] STATUSES = {1, 3, 7, 13, 15};

  @RegisterExtension private final DriverWarnings warnings = new DriverWarnings();

  private static final class Outcome {
    private List<Double> losses = List.of();
    private RuntimeException failure;
  }

  private static Outcome train() {
    Outcome outcome = new Outcome();
    Model net =
        new Model(
            "cublas-faults",
            SAMPLE,
            Sequential.of(
                Conv2d.of(4, 1).groups(2).relu(),
                Conv2d.of(2, 1),
                new Flatten(),
                Dense.of(2),
                new Softmax()));
    try (Session session = Backends.open("sim", CUBLAS).session()) {
      Trainer trainer = Tiny.builder(net, session).batch(4).build();
      outcome.losses =
          trainer.fit(TRAIN, null, 2).epochs().stream().map(History.Epoch::loss).toList();
    } catch (RuntimeException e) {
      outcome.failure = e;
    }
    return outcome;
  }

  private static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  @Test
  void everyCallMayFail() {
    Simulator simulator = Simulator.get();
    train(); // whatever Java does only once
    List<Long> counts = counts();
    simulator.startTrace();
    Outcome expected = train();
    Map<String, Integer> calls = new LinkedHashMap<>();
    simulator.endTrace().stream()
        .filter(call -> call.startsWith("cublas"))
        .forEach(call -> calls.merge(call, 1, Integer::sum));
    assertNull(expected.failure);
    assertTrue(
        calls.keySet().containsAll(List.of("cublasGemmEx", "cublasGemmStridedBatchedEx")),
        calls.toString());

    // A handle that cannot be closed is left, so that comes last.
    int closings = calls.remove("cublasDestroy_v2");
    List<String> wrong = new ArrayList<>();
    calls.forEach(
        (name, times) -> {
          for (int nth = 1; nth <= times; nth++) {
            int status = STATUSES[nth % STATUSES.length];
            warnings.messages().clear();
            simulator.fault(name, nth, status);
            Outcome got = train();
            simulator.clearFaults();
            String fault = name + " number " + nth + " of " + times + " with " + status + ": ";
            problems(name, status, got, expected).forEach(p -> wrong.add(fault + p));
            if (!counts().equals(counts)) {
              wrong.add(fault + "left open " + COUNTED + " " + counts() + ", not " + counts);
            }
          }
        });
    warnings.messages().clear();
    simulator.fault("cublasDestroy_v2", closings, 13);
    wrong.addAll(problems("cublasDestroy", 13, train(), expected));
    assertEquals(expected.losses, train().losses);
    assertEquals("", String.join("\n", wrong));
  }

  private List<String> problems(String name, int status, Outcome got, Outcome expected) {
    List<String> problems = new ArrayList<>();
    String call = name.replace("_v2", "");
    boolean closing = call.equals("cublasDestroy");
    if (closing) {
      if (got.failure != null || !got.losses.equals(expected.losses)) {
        problems.add("other losses " + got.losses + ", " + got.failure);
      }
    } else if (!(got.failure instanceof BackendException)) {
      return List.of("expected a BackendException, got " + got.failure);
    }
    String told =
        String.join("; ", warnings.messages()) + (closing ? "" : got.failure.getMessage());
    List<String> parts =
        new ArrayList<>(
            List.of(call + " failed: CUBLAS_STATUS_", " (" + status + ") on device 0 ("));
    if (List.of("cublasSetStream", "cublasSetWorkspace").contains(call)
        || call.startsWith("cublasGemm")) {
      parts.addAll(List.of("float32[", "multiplying matrices, "));
    }
    parts.stream()
        .filter(part -> !told.contains(part))
        .forEach(part -> problems.add("does not tell " + part + ": " + told));
    return problems;
  }
}
