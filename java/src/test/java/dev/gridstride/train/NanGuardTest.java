package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.optim.Adam;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class NanGuardTest {
  @TempDir private Path folder;

  private static void assertFinite(Map<String, Tensor> weights) {
    weights.forEach(
        (name, tensor) -> {
          for (float value : tensor.floats()) {
            assertTrue(Float.isFinite(value), name + " has " + value);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void namesTheLayerWhoseValuesOverflow(String device) {
    float[] huge = Tiny.TRAIN.size() > 0 ? new float[21 * 98] : new float[0];
    huge[98 * 20] = 1e38f;
    huge[98 * 20 + 1] = 1e38f;
    Dataset data =
        Dataset.of(
            "huge",
            Tensor.of(Shape.of(21, 2, 7, 7), huge),
            Tiny.TRAIN.labels(),
            Tiny.TRAIN.classNames());
    try (Session session = Tiny.open(device)) {
      Trainer trainer = Tiny.builder(Tiny.cnn(), session).build();
      Map<String, Tensor> large = trainer.weights();
      java.util.Arrays.fill(large.get("conv1.weight").floats(), 1e3f);
      trainer.setWeights(large);
      History history = trainer.fit(data, null, 3);
      assertEquals(History.StopReason.NOT_FINITE, history.stopReason());
      String message = history.stopMessage();
      assertTrue(message.contains("epoch 1), learning rate 0.01; where: layer conv1"), message);
      assertFinite(trainer.weights());
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void goesBackToTheStateBeforeTheBadStepAndKeepsTheCheckpoint(String device) {
    Callback spoil =
        new Callback() {
          @Override
          public void onEpochBegin(Run run) {
            run.learningRateFactor(run.epoch() == 2 ? 1e37 : 1);
          }
        };
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Tiny.builder(Tiny.cnn(), session)
              .optimizer(Adam.defaults().learningRate(0.1))
              .callback(spoil)
              .callback(new SaveCheckpoint(folder))
              .build();
      History history = trainer.fit(Tiny.TRAIN, null, 3);
      assertEquals(1, history.epochs().size());
      assertEquals(History.StopReason.NOT_FINITE, history.stopReason());
      String message = history.stopMessage();
      assertTrue(message.startsWith("the loss became NaN or infinite at step 4 "), message);
      assertTrue(message.contains("(epoch 2), learning rate "), message);
      assertFinite(trainer.weights());
      assertTrue(Files.exists(folder.resolve("state-3.safetensors")));
      assertEquals(3, Checkpoint.load(folder).info().step());
    }
  }
}
