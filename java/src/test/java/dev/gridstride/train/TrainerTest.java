package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Split;
import dev.gridstride.data.Synthetic;
import dev.gridstride.metrics.TopK;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Sequential;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TrainerTest {
  /** Mean loss of the epoch after each step, recorded from the double loops of the reference. */
  private static final double[] RECORDED = {
    1.62236, 1.64792, 1.81945, 3.20040, 2.30158, 2.12168, 1.57894, 1.55554, 1.51350
  };

  private static final class Losses implements Callback {
    final List<Double> values = new ArrayList<>();

    @Override
    public void onStepEnd(Run run) {
      values.add(run.loss());
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void followsTheRecordedLosses(String device) {
    try (Session session = Tiny.open(device)) {
      Losses losses = new Losses();
      Trainer trainer =
          Tiny.builder(Tiny.stateful(), session)
              .augmentation(Tiny.augmentation())
              .loss(new Loss.CategoricalCrossEntropy(0.1f))
              .callback(losses)
              .build();
      trainer.fit(Tiny.TRAIN, null, 3);
      double[] got = losses.values.stream().mapToDouble(Double::doubleValue).toArray();
      assertArrayEquals(RECORDED, got, 2e-4, "losses " + losses.values);
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void learns(String device) {
    try (Session session = Tiny.open(device)) {
      Trainer trainer = Tiny.builder(Tiny.cnn(), session).build();
      History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, 25);
      assertEquals(25, history.epochs().size());
      assertEquals(History.StopReason.FINISHED, history.stopReason());
      assertTrue(history.epochs().get(0).loss() > 1, "first " + history.epochs().get(0));
      assertTrue(history.last().loss() < 0.5, "last " + history.last());
      assertTrue(history.last().accuracy() > 0.9, "last " + history.last());
      assertTrue(history.last().seconds() > 0 && history.last().imagesPerSecond() > 0);
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void theSameSeedGivesTheSameBits(String device) {
    assertEquals(weightsAfterTraining(device, 1), weightsAfterTraining(device, 1));
    assertTrue(!weightsAfterTraining(device, 1).equals(weightsAfterTraining(device, 2)));
  }

  private static Map<String, Tensor> weightsAfterTraining(String device, long seed) {
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Tiny.builder(Tiny.stateful(), session)
              .augmentation(Tiny.augmentation())
              .seed(seed)
              .build();
      trainer.fit(Tiny.TRAIN, null, 2);
      return trainer.weights();
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void evaluationAndPredictionAgree(String device) {
    try (Session session = Tiny.open(device)) {
      Trainer trainer =
          Tiny.builder(Tiny.stateful(), session).augmentation(Tiny.augmentation()).build();
      trainer.fit(Tiny.TRAIN, null, 3);
      Evaluation result = trainer.evaluate(Tiny.TEST);
      Tensor scores = trainer.predict(Tiny.TEST.samples());

      assertEquals(Shape.of(10, 3), scores.shape());
      for (int row = 0; row < 10; row++) {
        double sum = scores.get(3 * row) + scores.get(3 * row + 1) + scores.get(3 * row + 2);
        assertEquals(1, sum, 1e-5);
      }
      assertEquals(10, result.samples());
      assertEquals(TopK.accuracy(scores, Tiny.TEST.labels(), 1), result.accuracy());
      assertEquals(3, result.topK());
      assertEquals(1, result.topAccuracy());
      assertEquals(10, result.confusion().total());
      assertEquals(result.accuracy(), result.confusion().accuracy());
      double loss = 0;
      for (int i = 0; i < 10; i++) {
        loss -= Math.log(scores.get(3 * i + Tiny.TEST.labels().ints()[i])) / 10;
      }
      assertEquals(loss, result.loss(), 1e-5);
      assertEquals(result, trainer.evaluate(Tiny.TEST));
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void aBatchLargerThanTheDataIsOneStepOfAllOfIt(String device) {
    try (Session session = Tiny.open(device)) {
      Losses losses = new Losses();
      Trainer trainer = Tiny.builder(Tiny.cnn(), session).batch(1000).callback(losses).build();
      trainer.fit(Tiny.TRAIN, Tiny.TEST, 2);
      assertEquals(2, losses.values.size());
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void softLabelsTrainAsTheirClasses(String device) {
    float[] oneHot = new float[21 * 3];
    for (int i = 0; i < 21; i++) {
      oneHot[3 * i + Tiny.TRAIN.labels().ints()[i]] = 1;
    }
    Dataset soft =
        Dataset.of(
            "soft",
            Tiny.TRAIN.samples(),
            Tensor.of(Shape.of(21, 3), oneHot),
            Tiny.TRAIN.classNames());
    List<Double> losses = new ArrayList<>();
    for (Dataset data : List.of(Tiny.TRAIN, soft)) {
      try (Session session = Tiny.open(device)) {
        losses.add(Tiny.builder(Tiny.cnn(), session).build().fit(data, null, 2).last().loss());
      }
    }
    assertEquals(losses.get(0), losses.get(1), 1e-5);
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void squaredErrorFitsALine(String device) {
    float[] x = {-1, -0.5f, 0, 0.5f, 1};
    float[] y = {-1, 0, 1, 2, 3};
    Dataset line =
        Dataset.of(
            "line", Tensor.of(Shape.of(5, 1), x), Tensor.of(Shape.of(5, 1), y), List.of("y"));
    Model model = new Model("line", Shape.of(1), Sequential.of(Dense.of(1)));
    try (Session session = Tiny.open(device)) {
      Trainer trainer = Tiny.builder(model, session).loss(Loss.meanSquaredError()).batch(5).build();
      History history = trainer.fit(line, line, 700);
      assertTrue(history.last().valLoss() < 1e-3, "last " + history.last());
      assertTrue(Double.isNaN(history.last().accuracy()));
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void crossValidationIsALoopOfTheUser(String device) {
    List<Double> accuracies = new ArrayList<>();
    for (Split.TrainValidation fold : Split.kFold(Tiny.TRAIN, 3, 1)) {
      try (Session session = Tiny.open(device)) {
        Trainer trainer = Tiny.builder(Tiny.cnn(), session).build();
        trainer.fit(fold.train(), null, 2);
        accuracies.add(trainer.evaluate(fold.validation()).accuracy());
      }
    }
    assertEquals(3, accuracies.size());
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#devices")
  void fitGoesOnWhereItLeftOff(String device) {
    try (Session once = Tiny.open(device);
        Session twice = Tiny.open(device)) {
      Trainer straight = Tiny.builder(Tiny.cnn(), once).build();
      straight.fit(Tiny.TRAIN, null, 3);
      Trainer parts = Tiny.builder(Tiny.cnn(), twice).build();
      parts.fit(Tiny.TRAIN, null, 1);
      assertEquals(3, parts.fit(Tiny.TRAIN, null, 3).epochs().size());
      assertEquals(straight.weights(), parts.weights());
    }
  }

  @Test
  void saysWhatDoesNotFit() {
    try (Session session = Tiny.open("reference")) {
      Trainer trainer = Tiny.builder(Tiny.cnn(), session).build();
      Dataset wide = Synthetic.of("wide", Shape.of(2, 7, 8), 3, 4, 1, 0);
      Dataset many = Synthetic.of("many", Tiny.SAMPLE, 4, 4, 1, 0);
      assertEquals(
          "model tiny-cnn takes samples of shape [2,7,7], data set wide has [2,7,8]",
          message(() -> trainer.fit(wide, null, 1)));
      assertEquals(
          "model tiny-cnn has 3 outputs, data set many has 4 classes",
          message(() -> trainer.evaluate(many)));
      assertEquals(
          "predict: model tiny-cnn takes UINT8 or FLOAT32 samples of shape [2,7,7],"
              + " got uint8[4,2,7,8]",
          message(() -> trainer.predict(wide.samples())));
      assertEquals(
          "epochs must be at least 1, got 0", message(() -> trainer.fit(Tiny.TRAIN, null, 0)));
      assertThrows(ProgramException.class, () -> trainer.setWeights(Map.of()));
      Model headless = new Model("bare", Tiny.SAMPLE, Sequential.of(new Flatten(), Dense.of(3)));
      Trainer squares = Trainer.builder(headless, session).loss(Loss.meanSquaredError()).build();
      assertThrows(ProgramException.class, () -> squares.fit(Tiny.TRAIN, null, 1));
    }
  }

  private static String message(Runnable action) {
    return assertThrows(TrainingException.class, action::run).getMessage();
  }
}
