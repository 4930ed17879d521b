package dev.gridstride.backend.cuda.program;

import static dev.gridstride.backend.cuda.program.StreamedData.TRAIN;
import static dev.gridstride.backend.cuda.program.StreamedData.open;
import static dev.gridstride.backend.cuda.program.StreamedData.soft;
import static dev.gridstride.backend.cuda.program.StreamedData.training;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.GlobalAvgPool2d;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Sequential;
import dev.gridstride.nn.Softmax;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.train.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Which data sets are on the device and which stream, and what says so. */
@ExtendWith(OnSimulatedDevice.class)
class DataPlacementTest {
  @Test
  void dataLargerThanTheDeviceStreamWithoutBeingAsked() {
    Shape shape = Shape.of(3, 32, 32);
    Dataset large = Synthetic.of("large", shape, 3, 1500, 5, 0);
    Model model =
        new Model("net", shape, Sequential.of(new GlobalAvgPool2d(), Dense.of(3), new Softmax()));
    List<Map<String, Tensor>> weights = new ArrayList<>();
    for (String memory : new String[] {"8G", "4M"}) {
      Simulator.get().set("memory", memory);
      try (Session session = open(SessionOptions.DEFAULT)) {
        Trainer trainer = Trainer.builder(model, session).batch(100).seed(1).build();
        Executable step = trainer.trainingStep(large);
        assertEquals(
            memory.equals("4M"), step.explain().contains("streamed from the host"), memory);
        for (int i = 0; i < 17; i++) {
          step.run();
        }
        weights.add(trainer.weights());
      }
    }
    assertEquals(weights.get(0), weights.get(1));
  }

  @Test
  void aDataSetSmallerThanItsRingStaysOnTheDevice() {
    Shape shape = Shape.of(3, 64, 64);
    Dataset small = Synthetic.of("small", shape, 3, 20, 5, 0);
    Model model =
        new Model("net", shape, Sequential.of(new GlobalAvgPool2d(), Dense.of(3), new Softmax()));
    long needed;
    try (Session session = open(SessionOptions.DEFAULT)) {
      Trainer.builder(model, session).batch(20).build().trainingStep(small);
      needed = session.memoryUse().bytes();
    }
    Simulator.get().memory(needed + 4096);
    try (Session session = open(SessionOptions.DEFAULT)) {
      Trainer.builder(model, session).batch(20).build().trainingStep(small);
      assertEquals("data: on the device", session.dataPlacement());
    }
  }

  @Test
  void saysHowTheDataAreKept() {
    try (Session session = open(SessionOptions.DEFAULT)) {
      Executable step = training(session).build().trainingStep(TRAIN);
      assertEquals("data: on the device", session.dataPlacement());
      assertTrue(!step.explain().contains("streamed"), step.explain());
    }
    try (Session session = open(SessionOptions.DEFAULT.withDataBytes(5000))) {
      Executable step = training(session).build().trainingStep(TRAIN);
      assertEquals(
          "data: streamed from the host, since there is no room on the device: data1.samples"
              + " (5,194 bytes); the rest on the device",
          session.dataPlacement());
      assertTrue(
          step.explain()
              .contains(
                  "; streamed from the host: data1.samples through a ring of 48 rows (4,704 bytes)"),
          step.explain());
    }
  }

  @Test
  void aRingThatDoesNotFitSaysWhatIsNeeded() {
    Shape shape = Shape.of(3, 64, 64);
    Dataset large = soft(Synthetic.of("large", shape, 3, 800, 5, 0));
    Model model =
        new Model("net", shape, Sequential.of(new GlobalAvgPool2d(), Dense.of(3), new Softmax()));
    Simulator.get().set("memory", "24M");
    try (Session session = open(SessionOptions.DEFAULT)) {
      Trainer trainer = Trainer.builder(model, session).batch(200).build();
      String message =
          assertThrows(BackendException.class, () -> trainer.trainingStep(large)).getMessage();
      assertTrue(message.contains("data1.samples, of which 408 rows are under way"), message);
      assertTrue(message.contains("(20,054,016 bytes)"), message);
      assertTrue(message.contains("free"), message);
      assertTrue(message.contains("batch"), message);
    }
  }
}
