package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Some steps of the reference job by this project's CUDA kernels on the simulated device. */
@ExtendWith(OnSimulatedDevice.class)
class ReferenceJobTest {
  private static final int STEPS = 10;
  private static final int BATCH = 32;

  /** Steps of a second run on tensor cores, which are slow to simulate. */
  private static final int AGAIN = 4;

  private static final double ALLOWED = 1e-5;

  /** Layers with weights, each of which multiplies two rounded factors. */
  private static final int LAYERS = 4;

  private static final Dataset DATA =
      Synthetic.of("ten classes", Shape.of(3, 32, 32), 10, STEPS * BATCH, 9, 0);

  private record Outcome(List<Double> losses, Map<String, Tensor> weights) {
    /** The largest relative difference of a loss from the reference's. */
    double error() {
      double largest = 0;
      for (int i = 0; i < STEPS; i++) {
        double wanted = expected().get(i);
        double error = Math.abs(losses.get(i) - wanted) / wanted;
        assertTrue(Double.isFinite(error), "step " + i + ": " + losses.get(i));
        largest = Math.max(largest, error);
      }
      return largest;
    }
  }

  private static List<Double> reference;

  /** The losses in double, which take half a minute: once for all tests. */
  private static List<Double> expected() {
    if (reference == null) {
      reference = train("reference", Precision.FLOAT32).losses();
    }
    return reference;
  }

  private static Outcome train(String device, Precision precision) {
    return train(device, precision, STEPS);
  }

  private static Outcome train(String device, Precision precision, int steps) {
    DeviceOptions options = DeviceOptions.DEFAULT.withPrecision(precision);
    try (Session session = Backends.open(device, options).session()) {
      Trainer trainer =
          Trainer.builder(Models.create(Models.CIFAR10_CNN, DATA.sampleShape(), 10), session)
              .batch(BATCH)
              .seed(4)
              .build();
      List<Double> losses = new ArrayList<>();
      Executable step = trainer.trainingStep(DATA);
      double before = 0;
      for (int i = 0; i < steps; i++) {
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
    Outcome got = train("sim", Precision.FLOAT32);
    assertTrue(got.error() <= ALLOWED, got.losses() + " instead of " + expected());
    assertEquals(got, train("sim", Precision.FLOAT32));
    Simulator.get().seed(1);
    assertEquals(got, train("sim", Precision.FLOAT32));
  }

  /**
   * Tensor cores round both factors of each of the net's four products by at most half a unit in
   * the last place, u: 2^-11 of a factor in tf32, 2^-8 in bf16. Sums, activations and weights are
   * float32, whose rounding does not show beside it. So the loss of given weights is off by up to 8
   * u, and gradients as well; but a step of Adam depends on a gradient's direction rather than its
   * size, and moves a weight by a thousandth at most, so that ten steps leave the loss about as
   * near. Every step is to be within 8 u of the reference, which rounds nothing.
   */
  @ParameterizedTest
  @CsvSource({"TF32, 0x1p-11", "BF16, 0x1p-8"})
  void tensorCoresStayWithinTheirRoundingAndGiveTheSameBitsTwice(Precision precision, double unit) {
    Outcome got = train("sim", precision);
    double allowed = 2 * LAYERS * unit;
    assertTrue(got.error() <= allowed, got.losses() + " instead of " + expected());
    assertTrue(got.error() > ALLOWED, "nothing was rounded: " + got.losses());
    Simulator.get().seed(1);
    assertEquals(got.losses().subList(0, AGAIN), train("sim", precision, AGAIN).losses());
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
