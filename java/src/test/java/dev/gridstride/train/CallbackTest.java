package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.Session;
import dev.gridstride.nn.SafeTensors;
import dev.gridstride.program.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

@ParameterizedClass
@MethodSource("dev.gridstride.train.Tiny#devices")
class CallbackTest {
  @Parameter private String device;
  @TempDir private Path folder;

  private History fit(int epochs, Callback... callbacks) {
    try (Session session = Tiny.open(device)) {
      Trainer.Builder builder = Tiny.builder(Tiny.cnn(), session);
      for (Callback callback : callbacks) {
        builder.callback(callback);
      }
      return builder.build().fit(Tiny.TRAIN, Tiny.TEST, epochs);
    }
  }

  /** Writes down what is called. */
  private static final class Recorder implements Callback {
    final List<String> calls = new ArrayList<>();

    @Override
    public void onTrainBegin(Run run) {
      calls.add("begin");
    }

    @Override
    public void onEpochBegin(Run run) {
      calls.add("epoch " + run.epoch() + "/" + run.epochs());
    }

    @Override
    public void onStepEnd(Run run) {
      calls.add(run.step() + ": " + run.stepInEpoch() + "/" + run.stepsInEpoch());
    }

    @Override
    public void onEpochEnd(Run run, History.Epoch epoch) {
      assertSame(epoch, run.history().last());
      calls.add("end of " + epoch.epoch());
    }

    @Override
    public void onTrainEnd(Run run) {
      calls.add("end");
    }
  }

  @Test
  void areCalledInOrder() {
    Recorder recorder = new Recorder();
    fit(2, recorder);
    assertEquals(
        List.of(
            "begin",
            "epoch 1/2",
            "1: 1/3",
            "2: 2/3",
            "3: 3/3",
            "end of 1",
            "epoch 2/2",
            "4: 1/3",
            "5: 2/3",
            "6: 3/3",
            "end of 2",
            "end"),
        recorder.calls);
  }

  @Test
  void hearOfTheEndEvenAfterAnException() {
    Recorder recorder = new Recorder();
    Callback broken =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            throw new IllegalStateException("broken");
          }
        };
    assertThrows(IllegalStateException.class, () -> fit(2, recorder, broken));
    assertEquals(List.of("begin", "epoch 1/2", "1: 1/3", "end"), recorder.calls);
  }

  @Test
  void earlyStoppingWaitsForItsPatienceAndRestoresTheBest() {
    List<Map<String, Tensor>> weights = new ArrayList<>();
    Callback keep =
        new Callback() {
          @Override
          public void onEpochEnd(Run run, History.Epoch epoch) {
            weights.add(run.trainer().weights());
          }
        };
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Tiny.builder(Tiny.cnn(), session)
              .callback(keep)
              .callback(new EarlyStopping(Monitor.VAL_LOSS, 2, 1000, true))
              .build();
      History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, 10);
      assertEquals(3, history.epochs().size());
      assertEquals(History.StopReason.CALLBACK, history.stopReason());
      assertTrue(history.stopMessage().contains("epoch 1 for 2 epochs"), history.stopMessage());
      assertEquals(weights.get(0), trainer.weights());
    }
  }

  @Test
  void earlyStoppingLetsImprovementGoOn() {
    assertEquals(3, fit(3, new EarlyStopping(Monitor.LOSS, 1, 0, false)).epochs().size());
  }

  @Test
  void aMonitorWithoutValidationDataIsAnError() {
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Tiny.builder(Tiny.cnn(), session)
              .callback(new EarlyStopping(Monitor.VAL_ACCURACY, 1, 0, false))
              .build();
      assertTrue(
          assertThrows(TrainingException.class, () -> trainer.fit(Tiny.TRAIN, null, 2))
              .getMessage()
              .contains("val_accuracy cannot be watched"));
    }
  }

  @Test
  void theBestModelIsSaved() {
    Path file = folder.resolve("best.safetensors");
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Tiny.builder(Tiny.cnn(), session).callback(new BestModel(file, Monitor.VAL_LOSS)).build();
      History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, 6);
      double best =
          history.epochs().stream().mapToDouble(History.Epoch::valLoss).min().orElseThrow();
      trainer.setWeights(SafeTensors.read(file).tensors());
      assertEquals(best, trainer.evaluate(Tiny.TEST).loss(), 1e-6);
    }
  }

  @Test
  void theCsvLogHasALineAnEpoch() throws IOException {
    Path file = folder.resolve("history.csv");
    History history = fit(2, new CsvLog(file));
    List<String> lines = Files.readAllLines(file);
    assertEquals(
        "epoch,seconds,images_per_second,loss,accuracy,val_loss,val_accuracy,learning_rate",
        lines.get(0));
    assertEquals(3, lines.size());
    String[] cells = lines.get(2).split(",");
    assertEquals("2", cells[0]);
    assertEquals(history.last().loss(), Double.parseDouble(cells[3]), 1e-8);
    assertEquals(history.last().valAccuracy(), Double.parseDouble(cells[6]), 1e-8);
    assertEquals(0.01, Double.parseDouble(cells[7]), 1e-9);
  }

  @Test
  void theLearningRateFallsOnAPlateau() {
    Callback plateau = new ReduceOnPlateau(Monitor.VAL_LOSS, 1, 0.5);
    Callback worse =
        new Callback() {
          @Override
          public void onEpochBegin(Run run) {
            if (run.epoch() == 2) {
              run.trainer().setWeights(Tiny.cnn().initialWeights(99));
            }
          }
        };
    History history = fit(4, worse, plateau);
    List<History.Epoch> epochs = history.epochs();
    double expected = 0.01;
    double best = Double.POSITIVE_INFINITY;
    for (History.Epoch epoch : epochs) {
      assertEquals(expected, epoch.learningRate(), 1e-9);
      expected *= epoch.valLoss() < best ? 1 : 0.5;
      best = Math.min(best, epoch.valLoss());
    }
  }

  @Test
  void theLearningRateFollowsAFunctionOfTheEpoch() {
    History history = fit(3, new LearningRateByEpoch(epoch -> 1.0 / epoch));
    for (History.Epoch epoch : history.epochs()) {
      assertEquals(0.01 / epoch.epoch(), epoch.learningRate(), 1e-8);
    }
  }

  @Test
  void plainProgressIsALineAnEpoch() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    fit(2, new PlainProgress(out, 0));
    String[] lines = bytes.toString(StandardCharsets.UTF_8).split("\n", -1);
    assertEquals(3, lines.length);
    assertTrue(
        lines[1].matches(
            "epoch 2/2  [0-9.]+ s  [0-9,]+ images/s  loss [0-9.]+  accuracy [0-9.]+"
                + "  val_loss [0-9.]+  val_accuracy [0-9.]+"),
        lines[1]);
  }

  @Test
  void theProgressLineShowsStepsAndLeavesAnEpochsSummary() {
    assumeTrue(!device.equals("sim"), "the simulated device does nothing until it is waited for");
    ByteArrayOutputStream drawn = new ByteArrayOutputStream();
    ByteArrayOutputStream left = new ByteArrayOutputStream();
    Callback slow =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            try {
              Thread.sleep(run.stepInEpoch() < 3 ? 250 : 0);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    fit(
        1,
        slow,
        new ProgressLine(
            new PrintStream(drawn, true, StandardCharsets.UTF_8),
            new PrintStream(left, true, StandardCharsets.UTF_8),
            120));
    String line = drawn.toString(StandardCharsets.UTF_8);
    assertTrue(line.contains("epoch 1/1") && line.contains("2/3"), line);
    assertTrue(line.contains("loss ") && line.contains("images/s"), line);
    assertTrue(left.toString(StandardCharsets.UTF_8).startsWith("epoch 1/1  "));
  }
}
