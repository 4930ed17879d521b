package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.Models;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Some steps of the reference job by this project's CUDA kernels on the simulated device. */
class ReferenceJobTest {
  private static final int STEPS = 10;
  private static final int BATCH = 16;
  private static final double ALLOWED = 1e-5;
  private static final Dataset DATA =
      Synthetic.of("ten classes", Shape.of(3, 32, 32), 10, STEPS * BATCH, 9, 0);

  private record Outcome(List<Double> losses, Map<String, Tensor> weights) {}

  @BeforeEach
  void needsTheSimulatedDevice() {
    String missing = Simulator.unavailableReason();
    assumeTrue(missing == null, missing);
  }

  @AfterEach
  void programOrder() {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().seed(0);
    }
  }

  private static Outcome train(String device) {
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Trainer.builder(Models.create(Models.CIFAR10_CNN, DATA.sampleShape(), 10), session)
              .batch(BATCH)
              .seed(4)
              .build();
      List<Double> losses = new ArrayList<>();
      Executable step = trainer.trainingStep(DATA);
      double before = 0;
      for (int i = 0; i < STEPS; i++) {
        step.run();
        double sum = trainer.state().get(States.LOSS_SUM).scalar();
        losses.add((sum - before) / BATCH);
        before = sum;
      }
      return new Outcome(losses, trainer.weights());
    }
  }

  @Test
  void lossesAreTheReferencesAndEveryOrderOfThreadsGivesTheSameBits() {
    Outcome got = train("sim");
    List<Double> expected = train("reference").losses();
    for (int i = 0; i < STEPS; i++) {
      double difference = Math.abs(got.losses().get(i) - expected.get(i)) / expected.get(i);
      assertTrue(
          difference <= ALLOWED,
          "step " + i + ": expected loss " + expected.get(i) + ", got " + got.losses().get(i));
    }
    assertEquals(got, train("sim"));
    Simulator.get().seed(1);
    assertEquals(got, train("sim"));
  }

  /** What a step of the reference job launches beside the layers' own kernels. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void aStepUpdatesAllWeightsInOneLaunchAndPermutesNothing(Precision precision) {
    DeviceOptions options = DeviceOptions.DEFAULT.withPrecision(precision);
    try (Session session = Backends.open("sim", options).session()) {
      Trainer trainer =
          Trainer.builder(Models.create(Models.CIFAR10_CNN, DATA.sampleShape(), 10), session)
              .batch(64)
              .build();
      String step = trainer.trainingStep(DATA).explain();
      assertEquals(1, count(step, "adam_step_f32 <<<"), step);
      assertEquals(1, count(step, "8 updates in one launch"), step);
      assertEquals(0, count(step, "transpose_"), step);
      for (String fused :
          List.of(
              "conv2d + bias + relu",
              "flatten + dense + bias + relu",
              "dense + bias",
              "softmax + cross_entropy",
              "cross_entropy gradient + softmax gradient")) {
        assertTrue(step.contains("fused: " + fused + "\n"), fused + " in\n" + step);
      }
    }
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }
}
