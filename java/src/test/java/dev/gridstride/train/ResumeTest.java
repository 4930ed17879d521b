package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Session;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.files.FileException;
import dev.gridstride.optim.Adam;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.op.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ResumeTest {
  private static final int EPOCHS = 4;

  /** Of a loss near 1 after a dozen steps in float32, whose gradients differ by roundings. */
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;

  /** A net with running statistics and dropout, shuffled and augmented data, a schedule. */
  private static Trainer.Builder builder(Session session) {
    return Tiny.builder(Tiny.stateful(), session)
        .optimizer(
            Adam.defaults().schedule(new Schedule.Warmup(5, new Schedule.Cosine(0.01, 12, 0))))
        .augmentation(Tiny.augmentation())
        .setting("note", "kept");
  }

  private Map<String, Tensor> straight(String device, History[] history) {
    try (Session session = Tiny.open(device)) {
      Trainer trainer = builder(session).build();
      history[0] = trainer.fit(Tiny.TRAIN, Tiny.TEST, EPOCHS);
      return trainer.weights();
    }
  }

  private void checkResumed(String device) {
    History[] expected = new History[1];
    Map<String, Tensor> weights = straight(device, expected);
    try (Session session = Tiny.open(device)) {
      Trainer trainer = builder(session).resume(Checkpoint.load(folder)).build();
      History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, EPOCHS);
      assertEquals(weights, trainer.weights());
      assertEquals(EPOCHS, history.epochs().size());
      for (int i = 0; i < EPOCHS; i++) {
        History.Epoch a = expected[0].epochs().get(i);
        History.Epoch b = history.epochs().get(i);
        assertEquals(a.loss(), b.loss());
        assertEquals(a.accuracy(), b.accuracy());
        assertEquals(a.valLoss(), b.valLoss());
        assertEquals(a.learningRate(), b.learningRate());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#exactDevices")
  void betweenEpochsGoesOnBitForBit(String device) {
    try (Session session = Tiny.open(device)) {
      builder(session).callback(new SaveCheckpoint(folder)).build().fit(Tiny.TRAIN, Tiny.TEST, 2);
    }
    CheckpointInfo info = Checkpoint.info(folder);
    assertEquals(2, info.epoch());
    assertEquals(6, info.step());
    assertEquals(42, info.cursor());
    assertEquals("kept", info.settings().get("note"));
    checkResumed(device);
  }

  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#exactDevices")
  void withinAnEpochGoesOnBitForBit(String device) {
    for (long stopAfter : new long[] {1, 4, 6, 8}) {
      Callback stop =
          new Callback() {
            @Override
            public void onStepEnd(Run run) {
              if (run.step() == stopAfter) {
                run.trainer().interrupt();
              }
            }
          };
      try (Session session = Tiny.open(device)) {
        Trainer trainer =
            builder(session).callback(stop).callback(new SaveCheckpoint(folder)).build();
        History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, EPOCHS);
        assertEquals(History.StopReason.INTERRUPTED, history.stopReason());
      }
      assertEquals(stopAfter, Checkpoint.info(folder).step());
      checkResumed(device);
    }
  }

  /** Whenever it happens: the checkpoint from before is kept, and leads to where it would have. */
  @ParameterizedTest
  @MethodSource("dev.gridstride.train.Tiny#exactDevices")
  void afterANanGoesOnBitForBit(String device) {
    for (long spoilAfter : new long[] {4, 5, 8}) {
      Callback spoil =
          new Callback() {
            @Override
            public void onStepEnd(Run run) {
              if (run.step() == spoilAfter) {
                run.learningRateFactor(Double.POSITIVE_INFINITY);
              }
            }
          };
      try (Session session = Tiny.open(device)) {
        Trainer trainer =
            builder(session).callback(new SaveCheckpoint(folder)).callback(spoil).build();
        History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, EPOCHS);
        assertEquals(History.StopReason.NOT_FINITE, history.stopReason());
      }
      assertEquals((spoilAfter - 1) / 3 * 3, Checkpoint.info(folder).step());
      checkResumed(device);
    }
  }

  /** Keeps what a run begins with. */
  private static final class Begin implements Callback {
    private final Path folder;

    Begin(Path folder) {
      this.folder = folder;
    }

    @Override
    public void onTrainBegin(Run run) {
      run.saveCheckpoint(folder);
    }
  }

  /** Each device takes over the very bits of the one before, and all together train one net. */
  @Test
  void aCheckpointGoesFromDeviceToDevice() {
    List<String> devices =
        Stream.of("cpu", "sim", "reference", "sim")
            .filter(Tiny.devices().toList()::contains)
            .toList();
    History[] expected = new History[1];
    straight("reference", expected);
    Checkpoint last = null;
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
      String device = devices.get((epoch - 1) % devices.size());
      try (Session session = Tiny.open(device)) {
        Path begin = folder.resolve("begin");
        Trainer trainer =
            builder(session)
                .resume(last)
                .callback(new Begin(begin))
                .callback(new SaveCheckpoint(folder))
                .build();
        History history = trainer.fit(Tiny.TRAIN, Tiny.TEST, epoch);
        if (last != null) {
          assertEquals(last.tensors(), Checkpoint.load(begin).tensors(), "taken over by " + device);
        }
        assertEquals(epoch, history.epochs().size());
        History.Epoch wanted = expected[0].epochs().get(epoch - 1);
        assertEquals(wanted.loss(), history.last().loss(), TOLERANCE, "loss on " + device);
        assertEquals(wanted.valLoss(), history.last().valLoss(), TOLERANCE, "val on " + device);
        assertEquals(wanted.learningRate(), history.last().learningRate(), 1e-12);
        last = Checkpoint.load(folder);
      }
    }
  }

  private void saveOne() {
    try (Session session = Tiny.open("reference")) {
      builder(session).callback(new SaveCheckpoint(folder)).build().fit(Tiny.TRAIN, null, 1);
    }
  }

  @Test
  void aFolderHoldsOneCheckpointAndNoTemporaryFiles() throws IOException {
    saveOne();
    saveOne();
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(2, files.count());
    }
  }

  @Test
  void aProcessKilledBetweenTheTwoFilesLeavesTheOldCheckpointWhole() throws IOException {
    saveOne();
    Files.writeString(folder.resolve("state-99.safetensors"), "half written");
    assertEquals(3, Checkpoint.load(folder).info().step());
    saveOne();
    assertTrue(Files.notExists(folder.resolve("state-99.safetensors")));
  }

  @Test
  void isFoundFromTheRunItsFolderAndItsFile() {
    Path run = folder;
    folder = run.resolve("checkpoint");
    saveOne();
    for (Path path : new Path[] {run, folder, folder.resolve(Checkpoint.FILE)}) {
      assertEquals(folder.toAbsolutePath(), Checkpoint.locate(path));
    }
    assertTrue(
        assertThrows(TrainingException.class, () -> Checkpoint.load(run.resolve("nowhere")))
            .getMessage()
            .startsWith("no checkpoint at "));
  }

  private String refusal(UnaryOperator<Trainer.Builder> change, Dataset data) {
    saveOne();
    try (Session session = Tiny.open("reference")) {
      Trainer trainer = change.apply(builder(session)).resume(Checkpoint.load(folder)).build();
      return assertThrows(TrainingException.class, () -> trainer.fit(data, null, 2)).getMessage();
    }
  }

  @Test
  void refusesToGoOnWithAnotherRun() {
    assertEquals(
        "the checkpoint does not fit this run: its batch is 8, this run's is 7; its seed is 3,"
            + " this run's is 4; go on with the net, data and settings that it was saved with, or"
            + " start a run of its own without it",
        refusal(builder -> builder.batch(7).seed(4), Tiny.TRAIN));
    Dataset more = Synthetic.of("tiny train", Tiny.SAMPLE, Tiny.CLASSES, 22, 5, 0);
    assertTrue(
        refusal(builder -> builder, more)
            .contains("its number of samples is 21, this run's is 22"));
    Dataset other = Synthetic.of("tiny train", Tiny.SAMPLE, Tiny.CLASSES, 21, 6, 0);
    assertTrue(refusal(builder -> builder, other).contains("its checksum of the data is "));
  }

  @Test
  void refusesToGoOnWithAnotherNet() {
    saveOne();
    try (Session session = Tiny.open("reference")) {
      Trainer trainer = Tiny.builder(Tiny.cnn(), session).resume(Checkpoint.load(folder)).build();
      String message =
          assertThrows(TrainingException.class, () -> trainer.fit(Tiny.TRAIN, null, 2))
              .getMessage();
      assertTrue(message.contains("its model is tiny-stateful, this run's is tiny-cnn"), message);
    }
  }

  @Test
  void saysWhatIsWrongWithADamagedCheckpoint() throws IOException {
    saveOne();
    Path json = folder.resolve(Checkpoint.FILE);
    Path tensors = folder.resolve("state-3.safetensors");
    byte[] whole = Files.readAllBytes(tensors);
    String text = Files.readString(json);

    for (int length : new int[] {0, 4, 100, whole.length - 1}) {
      Files.write(tensors, Arrays.copyOf(whole, length));
      assertMessage(FileException.class, "state-3.safetensors");
    }
    Files.delete(tensors);
    assertMessage(FileException.class, "no such file");
    Files.write(tensors, whole);

    for (int length : new int[] {0, 1, text.length() / 2, text.length() - 3}) {
      Files.writeString(json, text.substring(0, length));
      assertMessage(TrainingException.class, "checkpoint.json is not a whole checkpoint");
    }
    Files.writeString(json, "{}");
    assertMessage(TrainingException.class, "checkpoint.json is not a whole checkpoint");
    Files.writeString(json, text.replace("\"format\" : 1", "\"format\" : 2"));
    assertMessage(TrainingException.class, "format 2, expected 1");
    Files.writeString(json, text.replace("state-3.safetensors", "../state-3.safetensors"));
    assertMessage(TrainingException.class, "must lie beside it");
  }

  private void assertMessage(Class<? extends RuntimeException> type, String part) {
    String message = assertThrows(type, () -> Checkpoint.load(folder)).getMessage();
    assertTrue(message.contains(part), message);
  }
}
