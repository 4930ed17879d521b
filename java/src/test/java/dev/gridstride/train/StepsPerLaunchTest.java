package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.program.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** However many steps a device is given at once, the run is the same. */
class StepsPerLaunchTest {
  /** With batches of 8, seven steps and one of 5. */
  private static final Dataset TRAIN =
      Synthetic.of("tiny longer train", Tiny.SAMPLE, Tiny.CLASSES, 61, 5, 0);

  /** With and without a rest, and more than there are. */
  private static final List<Integer> NUMBERS = List.of(2, 100);

  private static final Path NOWHERE = null;

  @TempDir private Path folder;

  /** What a run leaves. */
  private record Outcome(
      Map<String, Tensor> weights, List<List<Double>> epochs, String stop, List<Integer> calls) {}

  private static Outcome fit(
      String device, int stepsPerLaunch, int epochs, Path from, Callback... callbacks) {
    try (Session session = Tiny.open(device)) {
      List<Integer> calls = new ArrayList<>();
      Trainer.Builder builder =
          Tiny.builder(Tiny.stateful(), session)
              .augmentation(Tiny.augmentation())
              .stepsPerLaunch(stepsPerLaunch)
              .resume(from == null ? null : Checkpoint.load(from))
              .callback(
                  new Callback() {
                    @Override
                    public void onStepEnd(Run run) {
                      calls.add(run.stepInEpoch());
                      assertEquals(8 * (run.epoch() - 1) + run.stepInEpoch(), run.step());
                    }
                  });
      for (Callback callback : callbacks) {
        builder.callback(callback);
      }
      Trainer trainer = builder.build();
      History history = trainer.fit(TRAIN, Tiny.TEST, epochs);
      Evaluation test = trainer.evaluate(TRAIN);
      List<List<Double>> results = new ArrayList<>();
      for (History.Epoch epoch : history.epochs()) {
        results.add(List.of(epoch.loss(), epoch.accuracy(), epoch.valLoss(), epoch.valAccuracy()));
      }
      results.add(List.of(test.loss(), test.accuracy()));
      return new Outcome(
          trainer.weights(), results, history.stopReason() + history.stopMessage(), calls);
    }
  }

  private static void assertSame(Outcome expected, Outcome got, String what) {
    assertEquals(expected.epochs(), got.epochs(), what);
    assertEquals(expected.weights(), got.weights(), what);
    assertEquals(expected.stop(), got.stop(), what);
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void theBitsAreTheSameAndCallbacksHearOfLaunches(String device) {
    Outcome single = fit(device, 1, 2, NOWHERE);
    assertEquals(List.of(1, 2, 3, 4, 5, 6, 7, 8), single.calls().subList(0, 8));
    List<List<Integer>> heard = List.of(List.of(2, 4, 6, 7, 8), List.of(7, 8));
    for (int i = 0; i < NUMBERS.size(); i++) {
      Outcome several = fit(device, NUMBERS.get(i), 2, NOWHERE);
      assertSame(single, several, NUMBERS.get(i) + " steps a launch");
      assertEquals(heard.get(i), several.calls().subList(0, several.calls().size() / 2));
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#exactDevices")
  void aRunThatIsInterruptedGoesOnWithAnyNumber(String device) {
    Callback interrupt =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            if (run.step() >= 10) {
              run.trainer().interrupt();
            }
          }
        };
    Outcome whole = fit(device, 1, 2, NOWHERE);
    for (int before : List.of(1, 3)) {
      Outcome half = fit(device, before, 2, NOWHERE, interrupt, new SaveCheckpoint(folder));
      assertEquals("INTERRUPTEDinterrupted", half.stop());
      assertEquals(before == 3 ? 11 : 10, Checkpoint.info(folder).step());
      assertSame(whole, fit(device, 4 - before, 2, folder), before + " a launch before");
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void theSameBadStepIsFound(String device) {
    Callback spoil =
        new Callback() {
          @Override
          public void onEpochBegin(Run run) {
            run.learningRateFactor(run.epoch() == 2 ? Double.POSITIVE_INFINITY : 1);
          }
        };
    Outcome single = fit(device, 1, 3, NOWHERE, spoil);
    assertTrue(single.stop().contains("NaN or infinite at step 9 (epoch 2)"), single.stop());
    assertSame(single, fit(device, 3, 3, NOWHERE, spoil), "3 steps a launch");
  }

  @Test
  void lessThanOneIsAnError() {
    try (Session session = Tiny.open("reference")) {
      Trainer.Builder builder = Tiny.builder(Tiny.cnn(), session);
      String message =
          assertThrows(TrainingException.class, () -> builder.stepsPerLaunch(0)).getMessage();
      assertEquals("steps per launch must be at least 1, got 0", message);
    }
  }
}
