package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The order in which a device runs threads, blocks and pieces of a graph changes no bit. */
@ExtendWith(OnSimulatedDevice.class)
class OrderTest {
  private static final int SEEDS = 4;

  /** Everything that a user gets to see but the times. */
  private static List<Object> train() {
    try (Session session = Tiny.open("sim")) {
      Trainer trainer =
          Tiny.builder(Tiny.stateful(), session).augmentation(Tiny.augmentation()).build();
      History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, 2);
      List<List<Double>> losses =
          history.epochs().stream().map(epoch -> List.of(epoch.loss(), epoch.valLoss())).toList();
      return List.of(
          losses,
          trainer.weights(),
          trainer.evaluate(Tiny.TEST),
          trainer.predict(Tiny.TEST.samples()));
    }
  }

  @Test
  void everyOrderGivesTheSameBits() {
    List<Object> expected = train();
    for (int seed = 1; seed <= SEEDS; seed++) {
      Simulator.get().seed(seed);
      assertEquals(expected, train(), "order seed " + seed);
    }
  }
}
