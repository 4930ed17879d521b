package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Session;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Sequential;
import dev.gridstride.nn.Softmax;
import dev.gridstride.optim.Adam;
import dev.gridstride.program.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
    // Nine layers of 1e38: too much for float32 in the second, for the reference's doubles later.
    Sequential layers = Sequential.of(new Flatten());
    for (int i = 0; i < 9; i++) {
      layers = layers.add(Dense.of(3));
    }
    Model deep = new Model("deep", Tiny.SAMPLE, layers.add(new Softmax()));
    try (Session session = Tiny.open(device)) {
      Trainer trainer = Tiny.builder(deep, session).build();
      Map<String, Tensor> large = trainer.weights();
      large.forEach((name, tensor) -> Arrays.fill(tensor.floats(), 1e38f));
      trainer.setWeights(large);
      History history = trainer.fit(Tiny.TRAIN, null, 3);
      assertEquals(History.StopReason.NOT_FINITE, history.stopReason());
      String expected =
          "the loss became NaN or infinite at step 0 \\(epoch 1\\), learning rate 0.01; where:"
              + " layer fc[1-9] \\(.*\\), [0-9]+ of 24 values not finite";
      assertTrue(history.stopMessage().matches(expected), history.stopMessage());
      assertFinite(trainer.weights());
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void namesTheParameterThatAnUpdateSpoiledAndKeepsTheCheckpoint(String device) {
    Callback spoil =
        new Callback() {
          @Override
          public void onEpochBegin(Run run) {
            run.learningRateFactor(run.epoch() == 2 ? Double.POSITIVE_INFINITY : 1);
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
      assertTrue(message.contains("(epoch 2), learning rate Infinity"), message);
      assertTrue(message.contains("conv1.weight, 72 of 72 values not finite after"), message);
      assertTrue(Files.exists(folder.resolve("state-3.safetensors")));
      assertEquals(3, Checkpoint.load(folder).info().step());
    }
  }

  /** The last step of an epoch spoils the weights; its loss, of before the update, is fine. */
  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void weightsThatAreNotFiniteAreNotSavedThoughTheLossStillIs(String device) {
    Callback spoil =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            if (run.step() == 5) {
              run.learningRateFactor(Double.POSITIVE_INFINITY);
            }
            run.saveCheckpoint(folder);
          }
        };
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Tiny.builder(Tiny.cnn(), session)
              .callback(spoil)
              .callback(new SaveCheckpoint(folder))
              .build();
      History history = trainer.fit(Tiny.TRAIN, null, 3);
      assertEquals(2, history.epochs().size());
      String message = history.stopMessage();
      assertTrue(message.contains("NaN or infinite at step 6 (epoch 3)"), message);
      Checkpoint kept = Checkpoint.load(folder);
      assertEquals(5, kept.info().step());
      for (String name : trainer.weights().keySet()) {
        assertFinite(Map.of(name, kept.tensors().get(name)));
      }
    }
  }
}
