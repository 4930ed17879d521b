package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.program.Tensor;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A device with little memory: the batch that the error names works, and the next one does not. */
@ExtendWith(OnSimulatedDevice.class)
class LargestBatchTest {
  private static final long PLENTY = 8L << 30;
  private static final int TOO_LARGE = 250;
  private static final Dataset TRAIN = Synthetic.of("many", Tiny.SAMPLE, Tiny.CLASSES, 301, 5, 0);
  private static final Dataset TEST = Synthetic.of("test", Tiny.SAMPLE, Tiny.CLASSES, 277, 5, 1);

  private static Trainer trainer(Session session, int batch) {
    return Tiny.builder(Tiny.cnn(), session).batch(batch).build();
  }

  private static OutOfDeviceMemoryException fails(
      int batch, BiConsumer<Session, Trainer> before, BiConsumer<Session, Trainer> work) {
    try (Session session = Tiny.open("sim")) {
      Trainer trainer = trainer(session, batch);
      before.accept(session, trainer);
      return assertThrows(
          OutOfDeviceMemoryException.class, () -> work.accept(session, trainer), batch + " fits");
    }
  }

  /** The error for a batch that is far too large names one that works and whose next does not. */
  private static void check(long memory, BiConsumer<Session, Trainer> work) {
    check(memory, (session, trainer) -> {}, work);
  }

  private static void check(
      long memory, BiConsumer<Session, Trainer> before, BiConsumer<Session, Trainer> work) {
    Simulator.get().memory(memory);
    OutOfDeviceMemoryException error = fails(TOO_LARGE, before, work);
    int largest = error.largestBatch().orElseThrow();
    assertTrue(largest > 4 && largest < TOO_LARGE - 1, error.getMessage());
    String cure = "the largest batch that fits is " + largest + " (--batch " + largest + ",";
    assertTrue(error.getMessage().contains(cure), error.getMessage());
    try (Session session = Tiny.open("sim")) {
      Trainer trainer = trainer(session, largest);
      before.accept(session, trainer);
      work.accept(session, trainer);
    }
    fails(largest + 1, before, work);
  }

  @Test
  void ofTraining() {
    check(140_000, (session, trainer) -> trainer.fit(TRAIN, null, 1));
  }

  @Test
  void ofTrainingWithValidation() {
    check(150_000, (session, trainer) -> trainer.fit(TRAIN, TEST, 1));
  }

  @Test
  void ofEvaluation() {
    check(100_000, (session, trainer) -> trainer.evaluate(TEST));
  }

  @Test
  void ofPrediction() {
    Tensor samples = TEST.samples();
    check(80_000, (session, trainer) -> trainer.predict(samples));
  }

  @Test
  void ofAStepForBenchmarks() {
    check(140_000, (session, trainer) -> trainer.trainingStep(TRAIN).close());
  }

  /** Data that stream take little room, so the batch may be larger than beside all of them. */
  @Test
  void ofTrainingWhileDataStream() {
    check(
        90_000,
        (session, trainer) -> {
          trainer.fit(TRAIN, TEST, 1);
          assertTrue(session.dataPlacement().contains("streamed"), session.dataPlacement());
        });
  }

  /** What is on the device already takes room. */
  @Test
  void ofPredictionBesideATrainingStep() {
    check(
        180_000,
        (session, trainer) -> trainer(session, 60).trainingStep(TRAIN).run(),
        (session, trainer) -> trainer.predict(TEST.samples()));
  }

  @Test
  void nothingStaysOfWhatDidNotFitAndTheSessionGoesOn() {
    Simulator.get().memory(140_000);
    try (Session session = Tiny.open("sim")) {
      trainer(session, 8).trainingStep(TRAIN).close();
      var before = session.memoryUse();
      long allocations = Simulator.get().count("allocations");
      Trainer large = trainer(session, TOO_LARGE);
      for (int i = 0; i < 3; i++) {
        assertThrows(OutOfDeviceMemoryException.class, () -> large.fit(TRAIN, null, 1));
        assertEquals(before.bytes(), session.memoryUse().bytes());
        assertEquals(allocations, Simulator.get().count("allocations"));
      }
      History history = trainer(session, 8).fit(TRAIN, null, 1);
      assertEquals(1, history.epochs().size());
    }
  }

  @Test
  void notEvenABatchOfOne() {
    Simulator.get().memory(5_000);
    OutOfDeviceMemoryException error =
        fails(TOO_LARGE, (session, trainer) -> {}, (session, trainer) -> trainer.evaluate(TEST));
    assertEquals(0, error.largestBatch().orElseThrow());
    assertTrue(error.getMessage().contains("not even a batch of 1 fits"), error.getMessage());
  }

  /** What another holds is named, and a failure that no batch explains names none. */
  @Test
  void othersAreNamed() {
    Simulator.get().memory(300_000);
    try (Session other = Tiny.open("sim")) {
      trainer(other, 60).trainingStep(TRAIN);
      long held = other.memoryUse().bytes();
      OutOfDeviceMemoryException error =
          fails(
              TOO_LARGE,
              (session, trainer) -> {},
              (session, trainer) -> trainer.trainingStep(TRAIN));
      String others =
          String.format(
              java.util.Locale.ROOT, "others (sessions, processes, the driver) %,d;", held);
      assertTrue(error.getMessage().contains(others), error.getMessage());
    }
    Simulator.get().memory(PLENTY);
    Simulator.get().fault("cuMemAlloc_v2", 2, 2);
    OutOfDeviceMemoryException chance =
        fails(8, (session, trainer) -> {}, (session, trainer) -> trainer.trainingStep(TRAIN));
    assertFalse(chance.largestBatch().isPresent(), chance.getMessage());
  }
}
