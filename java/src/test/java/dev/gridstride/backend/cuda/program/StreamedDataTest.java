package dev.gridstride.backend.cuda.program;

import static dev.gridstride.backend.cuda.program.StreamedData.CHECKED;
import static dev.gridstride.backend.cuda.program.StreamedData.STREAMED;
import static dev.gridstride.backend.cuda.program.StreamedData.TRAIN;
import static dev.gridstride.backend.cuda.program.StreamedData.counts;
import static dev.gridstride.backend.cuda.program.StreamedData.open;
import static dev.gridstride.backend.cuda.program.StreamedData.soft;
import static dev.gridstride.backend.cuda.program.StreamedData.training;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.program.Tensor;
import dev.gridstride.train.Callback;
import dev.gridstride.train.Checkpoint;
import dev.gridstride.train.History;
import dev.gridstride.train.Run;
import dev.gridstride.train.SaveCheckpoint;
import dev.gridstride.train.Trainer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Data sets that stream from the host give the bits that they give on the device. The simulated
 * device runs what nothing orders as late as it can or in random order, so that a missing wait
 * between copies and launches changes numbers; its checker names it.
 */
@ExtendWith(OnSimulatedDevice.class)
class StreamedDataTest {
  private static final int EPOCHS = 3;

  private static final Dataset TEST = Synthetic.of("test", TRAIN.sampleShape(), 3, 19, 5, 1);

  /** More than a ring of several steps holds. */
  private static final Dataset LONG = Synthetic.of("long", TRAIN.sampleShape(), 3, 150, 5, 0);

  @TempDir private Path folder;

  /** What training leaves behind. */
  private record Result(Map<String, Tensor> weights, List<List<Double>> epochs) {
    static Result of(Trainer trainer, History history) {
      return new Result(
          trainer.weights(),
          history.epochs().stream()
              .map(e -> List.of(e.loss(), e.accuracy(), e.valLoss(), e.valAccuracy()))
              .toList());
    }
  }

  private static Result fit(SessionOptions options, Dataset train, Dataset test) {
    try (Session session = open(options)) {
      Trainer trainer = training(session).build();
      return Result.of(trainer, trainer.fit(train, test, EPOCHS));
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.backend.cuda.program.StreamedData#ways")
  void trainingAndEvaluationGiveTheSameBits(long seed, SessionOptions options) {
    Result resident = fit(SessionOptions.DEFAULT, TRAIN, TEST);
    Simulator.get().seed(seed);
    assertEquals(resident, fit(options, TRAIN, TEST));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1000})
  void floatSamplesAndSoftLabelsGiveTheSameBits(long dataBytes) {
    Dataset train = soft(TRAIN);
    Dataset test = soft(TEST);
    Result resident = fit(SessionOptions.DEFAULT, train, test);
    Simulator.get().seed(7);
    // With 1000 bytes the labels stay on the device and the samples alone stream.
    assertEquals(resident, fit(SessionOptions.DEFAULT.withDataBytes(dataBytes), train, test));
  }

  private void stopAt(long step, SessionOptions options) {
    Callback stop =
        new Callback() {
          @Override
          public void onStepEnd(Run run) {
            if (run.step() == step) {
              run.trainer().interrupt();
            }
          }
        };
    try (Session session = open(options)) {
      Trainer trainer =
          training(session).callback(stop).callback(new SaveCheckpoint(folder)).build();
      trainer.fit(TRAIN, TEST, EPOCHS);
    }
    assertEquals(step, Checkpoint.info(folder).step());
  }

  private Result resumed(SessionOptions options) {
    try (Session session = open(options)) {
      Trainer trainer = training(session).resume(Checkpoint.load(folder)).build();
      return Result.of(trainer, trainer.fit(TRAIN, TEST, EPOCHS));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 7})
  void aRunGoesOnInTheMiddleOfAnEpochWhicheverWayItBegan(long step) {
    Result straight = fit(SessionOptions.DEFAULT, TRAIN, TEST);
    Simulator.get().seed(step);
    stopAt(step, STREAMED);
    assertEquals(straight, resumed(STREAMED));
    assertEquals(straight, resumed(SessionOptions.DEFAULT));
    stopAt(step, SessionOptions.DEFAULT);
    assertEquals(straight, resumed(STREAMED));
  }

  /** Weights after these numbers of runs, one after the other. */
  private static Map<String, Tensor> steps(SessionOptions options, int... times) {
    try (Session session = open(options)) {
      Trainer trainer = training(session).build();
      Executable step = trainer.trainingStep(LONG);
      for (int runs : times) {
        step.run(runs);
      }
      return trainer.weights();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1})
  void severalStepsALaunchGiveTheSameBits(long seed) {
    int[] one = new int[31];
    Arrays.fill(one, 1);
    Map<String, Tensor> resident = steps(SessionOptions.DEFAULT, one);
    Simulator.get().seed(seed);
    // The labels, and four chunks of 24 rows: three steps a launch at most, the last of 31 alone.
    long dataBytes = 150 * 4 + 98 * 4 * 24;
    SessionOptions wide = SessionOptions.DEFAULT.withDataBytes(dataBytes);
    long before = Simulator.get().count("cuGraphLaunch");
    assertEquals(resident, steps(wide, 31));
    assertEquals(11, Simulator.get().count("cuGraphLaunch") - before);
    assertEquals(resident, steps(wide, 1, 5, 2, 9, 14));
    assertEquals(resident, steps(STREAMED, 31));
    assertEquals(resident, steps(CHECKED.withDataBytes(dataBytes), 16, 15));
  }

  @Test
  void trainingOnAllocatesNothingAndClosingGivesEverythingBack() {
    List<Long> before = counts();
    try (Session session = open(STREAMED)) {
      List<Object> seen = new ArrayList<>();
      Callback look =
          new Callback() {
            @Override
            public void onEpochEnd(Run run, History.Epoch epoch) {
              seen.add(session.memoryUse());
              seen.add(counts());
            }
          };
      training(session).callback(look).build().fit(TRAIN, TEST, 4);
      assertEquals(seen.subList(0, 6), seen.subList(2, 8));
    }
    assertEquals(before, counts());
  }

  /** A profile runs the program once timed, once to time the call, and once as it is. */
  @ParameterizedTest
  @ValueSource(longs = {0, Long.MAX_VALUE})
  void aProfileRunsLikeAnyOtherRun(long dataBytes) {
    SessionOptions options = SessionOptions.DEFAULT.withDataBytes(dataBytes);
    try (Session profiled = open(options);
        Session plain = open(SessionOptions.DEFAULT)) {
      Trainer one = training(profiled).build();
      Trainer other = training(plain).build();
      one.trainingStep(TRAIN).profile(2);
      other.trainingStep(TRAIN).run(6);
      assertEquals(other.weights(), one.weights());
    }
  }
}
