package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a training run says about a device that does not serve it. */
class BadDeviceTest {
  private static final long MEMORY = 1 << 20;
  private static final int LAUNCH_FAILED = 719;

  private Simulator simulator;

  @TempDir private Path folder;

  @BeforeEach
  void simulator() {
    Simulated.require();
    simulator = Simulator.get();
  }

  @AfterEach
  void reset() {
    if (simulator != null) {
      simulator.clearFaults();
      simulator.set("driver_version", "12.6");
      simulator.memory(8L << 30);
    }
  }

  private static void train(Session session) {
    Tiny.builder(Tiny.cnn(), session).build().fit(Tiny.TRAIN, null, 1);
  }

  @Test
  void aDriverThatIsTooOldIsRefusedBeforeTheSessionOpens() {
    simulator.set("driver_version", "11.4");
    long contexts = simulator.count("contexts");
    String message =
        assertThrows(BackendException.class, () -> Tiny.open("sim").close()).getMessage();
    assertTrue(
        message.endsWith(
            "the driver is too old: it supports CUDA 11.4, needed is CUDA 12.0 (driver 525) or"
                + " later; update NVIDIA's driver"),
        message);
    assertEquals(contexts, simulator.count("contexts"));
  }

  @Test
  void memoryThatSomebodyElseHoldsIsSaid() {
    simulator.memory(MEMORY);
    try (CudaContext other = CudaDriver.simulated().device(0).createContext();
        Session session = Tiny.open("sim")) {
      other.allocate(MEMORY - 4_000, "of somebody else");
      String message =
          assertThrows(OutOfDeviceMemoryException.class, () -> train(session)).getMessage();
      assertTrue(message.contains("others (sessions, processes, the driver) 1,044,"), message);
      assertTrue(message.contains("end other processes on the device"), message);
    }
    try (Session session = Tiny.open("sim")) {
      train(session);
    }
  }

  @Test
  void aLostContextIsSaidAndTheNextSessionWorks() {
    try (Session session = Tiny.open("sim")) {
      train(session);
      simulator.fault("sync", 1, LAUNCH_FAILED);
      String message = assertThrows(BackendException.class, () -> train(session)).getMessage();
      assertTrue(message.contains("the context is lost: close it and open another"), message);
      String after = assertThrows(BackendException.class, () -> train(session)).getMessage();
      assertTrue(after.contains("the context was lost in "), after);
    }
    try (Session session = Tiny.open("sim")) {
      train(session);
    }
  }

  @Test
  void aCheckpointOfAnotherNetIsRefused() {
    try (Session session = Tiny.open("sim")) {
      Trainer trainer =
          Tiny.builder(Tiny.cnn(), session).callback(new SaveCheckpoint(folder)).build();
      trainer.fit(Tiny.TRAIN, null, 1);
    }
    try (Session session = Tiny.open("sim")) {
      Trainer other =
          Tiny.builder(Tiny.stateful(), session).resume(Checkpoint.load(folder)).build();
      String message =
          assertThrows(TrainingException.class, () -> other.fit(Tiny.TRAIN, null, 2)).getMessage();
      assertTrue(message.startsWith("the checkpoint does not fit this run: its "), message);
      assertTrue(message.endsWith("or start a run of its own without it"), message);
    }
  }
}
