package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.data.Dataset;
import dev.gridstride.data.Synthetic;
import dev.gridstride.nn.BatchNorm;
import dev.gridstride.nn.Conv2d;
import dev.gridstride.nn.Dense;
import dev.gridstride.nn.Dropout;
import dev.gridstride.nn.Flatten;
import dev.gridstride.nn.GlobalAvgPool2d;
import dev.gridstride.nn.MaxPool2d;
import dev.gridstride.nn.Model;
import dev.gridstride.nn.Sequential;
import dev.gridstride.nn.Softmax;
import dev.gridstride.optim.Adam;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.Relu;
import dev.gridstride.train.Callback;
import dev.gridstride.train.Checkpoint;
import dev.gridstride.train.History;
import dev.gridstride.train.Run;
import dev.gridstride.train.SaveCheckpoint;
import dev.gridstride.train.Trainer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Data sets that stream from the host give the bits that they give on the device. The simulated
 * device runs what nothing orders as late as it can or in random order, so that a missing wait
 * between copies and launches changes numbers; its checker names it.
 */
class StreamedDataTest {
  private static final int OUT_OF_MEMORY = 2;
  private static final int LAUNCH_FAILED = 719;
  private static final int EPOCHS = 3;
  private static final int BATCH = 8;
  private static final Shape SAMPLE = Shape.of(2, 7, 7);

  /** Six whole steps and one of 5 samples. */
  private static final Dataset TRAIN = Synthetic.of("train", SAMPLE, 3, 53, 5, 0);

  private static final Dataset TEST = Synthetic.of("test", SAMPLE, 3, 19, 5, 1);

  /** More than a ring of several steps holds. */
  private static final Dataset LONG = Synthetic.of("long", SAMPLE, 3, 150, 5, 0);

  private static final List<String> COUNTED =
      List.of("allocations", "pinned", "modules", "streams", "events", "graphs", "contexts");

  /** Chunks of 4 rows, of which a batch needs two or three. */
  private static final SessionOptions STREAMED = SessionOptions.DEFAULT.withDataBytes(0);

  private static final SessionOptions CHECKED = new SessionOptions(true, false, true);

  @TempDir private Path folder;

  @BeforeEach
  void needsTheSimulatedDevice() {
    Simulated.require();
  }

  @AfterEach
  void asItWas() {
    if (Simulator.unavailableReason() == null) {
      Simulator.get().seed(0);
      Simulator.get().clearFaults();
      Simulator.get().set("memory", "8G");
    }
  }

  private static Session open(SessionOptions options) {
    return SimulatedBackend.open(DeviceOptions.DEFAULT, options);
  }

  private static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  /** With running statistics and dropout. */
  private static Trainer.Builder builder(Session session) {
    Model model =
        new Model(
            "net",
            SAMPLE,
            Sequential.of(
                Conv2d.of(4, 3).bias(false),
                BatchNorm.of(),
                new dev.gridstride.nn.Relu(),
                MaxPool2d.of(2),
                new Flatten(),
                new Dropout(0.25f),
                Dense.of(3),
                new Softmax()));
    return Trainer.builder(model, session)
        .optimizer(Adam.defaults().learningRate(0.01))
        .augmentation(
            new Augmentation(
                List.of(0.5f, 0.4f), List.of(0.2f, 0.3f), Augmentation.Flip.ALTERNATING, 1, 2))
        .batch(BATCH)
        .seed(3);
  }

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
      Trainer trainer = builder(session).build();
      return Result.of(trainer, trainer.fit(train, test, EPOCHS));
    }
  }

  static Stream<Arguments> ways() {
    return Stream.of(
        Arguments.of(0, STREAMED),
        Arguments.of(1, STREAMED),
        Arguments.of(2, STREAMED),
        Arguments.of(3, SessionOptions.DEFAULT.withDataBytes(3500)),
        Arguments.of(4, CHECKED.withDataBytes(0)),
        Arguments.of(5, new SessionOptions(true, true, false).withDataBytes(0)));
  }

  @ParameterizedTest
  @MethodSource("ways")
  void trainingAndEvaluationGiveTheSameBits(long seed, SessionOptions options) {
    Result resident = fit(SessionOptions.DEFAULT, TRAIN, TEST);
    Simulator.get().seed(seed);
    assertEquals(resident, fit(options, TRAIN, TEST));
  }

  /** The same samples as float32 rows, with a weight for every class. */
  private static Dataset soft(Dataset data) {
    byte[] bytes = data.samples().bytes();
    float[] samples = new float[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      samples[i] = (bytes[i] & 0xff) / 200f;
    }
    int classes = data.classes();
    float[] labels = new float[data.size() * classes];
    for (int i = 0; i < data.size(); i++) {
      labels[i * classes + data.labelClass(i)] = 0.75f;
      labels[i * classes + (i + 1) % classes] += 0.25f;
    }
    return Dataset.of(
        data.name(),
        Tensor.of(data.samples().shape(), samples),
        Tensor.of(Shape.of(data.size(), classes), labels),
        data.classNames());
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
          builder(session).callback(stop).callback(new SaveCheckpoint(folder)).build();
      trainer.fit(TRAIN, TEST, EPOCHS);
    }
    assertEquals(step, Checkpoint.info(folder).step());
  }

  private Result resumed(SessionOptions options) {
    try (Session session = open(options)) {
      Trainer trainer = builder(session).resume(Checkpoint.load(folder)).build();
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
      Trainer trainer = builder(session).build();
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
  void dataLargerThanTheDeviceStreamWithoutBeingAsked() {
    Shape shape = Shape.of(3, 32, 32);
    Dataset large = Synthetic.of("large", shape, 3, 1500, 5, 0);
    Model model =
        new Model("net", shape, Sequential.of(new GlobalAvgPool2d(), Dense.of(3), new Softmax()));
    List<Map<String, Tensor>> weights = new ArrayList<>();
    for (String memory : new String[] {"8G", "4M"}) {
      Simulator.get().set("memory", memory);
      try (Session session = open(SessionOptions.DEFAULT)) {
        Trainer trainer = Trainer.builder(model, session).batch(100).seed(1).build();
        Executable step = trainer.trainingStep(large);
        assertEquals(
            memory.equals("4M"), step.explain().contains("streamed from the host"), memory);
        for (int i = 0; i < 17; i++) {
          step.run();
        }
        weights.add(trainer.weights());
      }
    }
    assertEquals(weights.get(0), weights.get(1));
  }

  @Test
  void aDataSetSmallerThanItsRingStaysOnTheDevice() {
    Shape shape = Shape.of(3, 64, 64);
    Dataset small = Synthetic.of("small", shape, 3, 20, 5, 0);
    Model model =
        new Model("net", shape, Sequential.of(new GlobalAvgPool2d(), Dense.of(3), new Softmax()));
    long needed;
    try (Session session = open(SessionOptions.DEFAULT)) {
      Trainer.builder(model, session).batch(20).build().trainingStep(small);
      needed = session.memoryUse().bytes();
    }
    Simulator.get().memory(needed + 4096);
    try (Session session = open(SessionOptions.DEFAULT)) {
      Trainer.builder(model, session).batch(20).build().trainingStep(small);
      assertEquals("data: on the device", session.dataPlacement());
    }
  }

  @Test
  void saysHowTheDataAreKept() {
    try (Session session = open(SessionOptions.DEFAULT)) {
      Executable step = builder(session).build().trainingStep(TRAIN);
      assertEquals("data: on the device", session.dataPlacement());
      assertTrue(!step.explain().contains("streamed"), step.explain());
    }
    try (Session session = open(SessionOptions.DEFAULT.withDataBytes(5000))) {
      Executable step = builder(session).build().trainingStep(TRAIN);
      assertEquals(
          "data: streamed from the host, since there is no room on the device: data1.samples"
              + " (5,194 bytes); the rest on the device",
          session.dataPlacement());
      assertTrue(
          step.explain()
              .contains(
                  "; streamed from the host: data1.samples through a ring of 48 rows (4,704 bytes)"),
          step.explain());
    }
  }

  private static final Value SAMPLES =
      Value.of("samples", TensorType.float32(9, 2), Role.DATA, false);
  private static final Value LABELS =
      Value.of("labels", TensorType.float32(9, 1), Role.DATA, false);

  private static Value cursor(String name) {
    return Value.of(name, TensorType.scalar(DataType.INT64), Role.STATE, false);
  }

  /** Fetches 4 rows; the cursor goes on by so much before and after. */
  private static Program fetch(String cursorName, boolean shuffle, long before, long after) {
    Value cursor = cursor(cursorName);
    List<Value> batch =
        List.of(
            Value.of("batch", TensorType.float32(4, 2), Role.ACTIVATION, true),
            Value.of("batch_labels", TensorType.float32(4, 1), Role.ACTIVATION, true));
    FetchBatch fetch = new FetchBatch(4, shuffle, 11, Augmentation.NONE);
    return Program.of(
        List.of(
            new Node(new Increment(before), List.of(cursor), List.of(cursor)),
            new Node(fetch, List.of(SAMPLES, LABELS, cursor), batch),
            new Node(new Increment(after), List.of(cursor), List.of(cursor))),
        batch);
  }

  private static void writeData(Session session, float first) {
    float[] values = new float[18];
    float[] labels = new float[9];
    for (int i = 0; i < values.length; i++) {
      values[i] = first + i;
      labels[i / 2] = -first - i;
    }
    session.write(SAMPLES, Tensor.of(SAMPLES.shape(), values));
    session.write(LABELS, Tensor.of(LABELS.shape(), labels));
  }

  /** Everything fetched by programs that take turns, while data and cursors are written. */
  private static List<Tensor> turns(SessionOptions options) {
    List<Tensor> fetched = new ArrayList<>();
    try (Session session = open(options)) {
      List<Program> programs =
          List.of(
              fetch("a", true, 0, 4),
              fetch("a", true, 1, 6),
              fetch("a", false, 0, 3),
              fetch("b", false, 2, 2),
              fetch("b", true, 0, -5),
              fetch("c", false, 0, 0));
      List<Executable> executables = programs.stream().map(session::compile).toList();
      for (int turn = 0; turn < 8; turn++) {
        if (turn != 1 && turn != 5) {
          writeData(session, turn);
        }
        if (turn == 3) {
          session.write(cursor("a"), Tensor.of(Shape.scalar(), 1L << 33));
        }
        session.write(cursor("b"), Tensor.of(Shape.scalar(), 100L - turn));
        for (int i = 0; i < programs.size(); i++) {
          executables.get(i).run(1 + (turn + i) % 4);
          for (Value output : programs.get(i).outputs()) {
            fetched.add(executables.get(i).read(output));
          }
        }
        fetched.add(session.read(SAMPLES));
      }
    }
    return fetched;
  }

  @ParameterizedTest
  @MethodSource("ways")
  void programsMayTakeTurnsAndDataAndCursorsBeWritten(long seed, SessionOptions options) {
    List<Tensor> resident = turns(SessionOptions.DEFAULT);
    Simulator.get().seed(seed);
    assertEquals(resident, turns(options.withDataBytes(0)));
  }

  @Test
  void aProgramThatReadsStreamedDataOtherwiseIsRefused() {
    Value twice = Value.of("twice", SAMPLES.type(), Role.ACTIVATION, false);
    Program other =
        Program.of(List.of(new Node(new Relu(), List.of(SAMPLES), List.of(twice))), List.of(twice));
    try (Session session = open(STREAMED)) {
      session.compile(fetch("a", true, 0, 4));
      String message =
          assertThrows(BackendException.class, () -> session.compile(other)).getMessage();
      assertTrue(
          message.contains("samples does not fit the device and streams from the host"), message);
    }
    try (Session session = open(STREAMED)) {
      Executable executable = session.compile(other);
      assertTrue(!executable.explain().contains("streamed"), executable.explain());
      float[] values = new float[18];
      for (int i = 0; i < values.length; i++) {
        values[i] = i;
      }
      session.write(SAMPLES, Tensor.of(SAMPLES.shape(), values));
      executable.run();
      assertEquals(session.read(SAMPLES), executable.read(twice));
      // They are on the device now, where a fetch takes them from.
      assertTrue(!session.compile(fetch("a", true, 0, 4)).explain().contains("samples through"));
    }
  }

  @Test
  void aRingThatDoesNotFitSaysWhatIsNeeded() {
    Shape shape = Shape.of(3, 64, 64);
    Dataset large = soft(Synthetic.of("large", shape, 3, 800, 5, 0));
    Model model =
        new Model("net", shape, Sequential.of(new GlobalAvgPool2d(), Dense.of(3), new Softmax()));
    Simulator.get().set("memory", "24M");
    try (Session session = open(SessionOptions.DEFAULT)) {
      Trainer trainer = Trainer.builder(model, session).batch(200).build();
      String message =
          assertThrows(BackendException.class, () -> trainer.trainingStep(large)).getMessage();
      assertTrue(message.contains("data1.samples, of which 408 rows are under way"), message);
      assertTrue(message.contains("(20,054,016 bytes)"), message);
      assertTrue(message.contains("free"), message);
      assertTrue(message.contains("batch"), message);
    }
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
      builder(session).callback(look).build().fit(TRAIN, TEST, 4);
      assertEquals(seen.subList(0, 6), seen.subList(2, 8));
    }
    assertEquals(before, counts());
  }

  @Test
  void aRingEndsWithTheLastProgramThatFetchesFromIt() {
    try (Session session = open(STREAMED)) {
      List<Long> none = counts();
      Executable first = session.compile(fetch("a", true, 0, 4));
      long one = session.memoryUse().persistentBytes();
      Executable second = session.compile(fetch("a", true, 0, 4));
      assertEquals(one, session.memoryUse().persistentBytes());
      first.run();
      first.close();
      writeData(session, 1);
      second.run();
      assertEquals(one, session.memoryUse().persistentBytes());
      second.close();
      assertTrue(session.memoryUse().persistentBytes() < one);
      assertTrue(counts().get(0) - none.get(0) <= 2, "the cursor stays");
    }
  }

  /** A short run that streams, and what it fetched last. */
  private static Tensor shortRun() {
    Program program = fetch("a", true, 0, 4);
    try (Session session = open(STREAMED)) {
      Executable executable = session.compile(program);
      writeData(session, 1);
      for (int i = 0; i < 4; i++) {
        executable.run();
      }
      return executable.read(program.outputs().get(0));
    }
  }

  @Test
  void everyCallMayFailAndTheNextRunIsFine() {
    Tensor right = shortRun();
    List<Long> before = counts();
    Simulator.get().startTrace();
    shortRun();
    List<String> calls = Simulator.get().endTrace();
    assertTrue(calls.contains("cuStreamWaitEvent") && calls.contains("cuMemcpyHtoDAsync_v2"));
    for (int i = 0; i < calls.size(); i++) {
      int code = i % 2 == 0 ? OUT_OF_MEMORY : LAUNCH_FAILED;
      Simulator.get().fault("any", i + 1L, code);
      try {
        assertEquals(right, shortRun());
      } catch (BackendException e) {
        assertTrue(
            e.getMessage()
                .matches(
                    "(?s).*cu[A-Z].* failed: CUDA_ERROR_.* on (device 0|the simulated device).*"),
            e.getMessage());
      }
      Simulator.get().clearFaults();
      assertEquals(before, counts(), "after a failed " + calls.get(i));
    }
    assertEquals(right, shortRun());
  }

  /** A profile runs the program once timed, once to time the call, and once as it is. */
  @ParameterizedTest
  @ValueSource(longs = {0, Long.MAX_VALUE})
  void aProfileRunsLikeAnyOtherRun(long dataBytes) {
    SessionOptions options = SessionOptions.DEFAULT.withDataBytes(dataBytes);
    try (Session profiled = open(options);
        Session plain = open(SessionOptions.DEFAULT)) {
      Trainer one = builder(profiled).build();
      Trainer other = builder(plain).build();
      one.trainingStep(TRAIN).profile(2);
      other.trainingStep(TRAIN).run(6);
      assertEquals(other.weights(), one.weights());
    }
  }

  /** Timed runs fetch like any others, launch by launch and several in a graph. */
  @ParameterizedTest
  @EnumSource
  void timedRunsFetchLikeAnyOthers(TimingOptions.Cache cache) {
    Program program = fetch("a", true, 1, 3);
    TimingOptions options =
        TimingOptions.COLD.withCache(cache).withSamples(3, 3).withWarmUp(Duration.ZERO);
    try (Session timed = open(STREAMED);
        Session plain = open(SessionOptions.DEFAULT)) {
      Executable one = timed.compile(program);
      Executable other = plain.compile(program);
      writeData(timed, 0);
      writeData(plain, 0);
      one.time(options);
      long rows = (long) timed.readScalar(cursor("a"));
      assertTrue(rows >= 4 * 4, "rows: " + rows);
      plain.write(cursor("a"), Tensor.of(Shape.scalar(), rows));
      one.run();
      other.run();
      for (Value output : program.outputs()) {
        assertEquals(other.read(output), one.read(output));
      }
    }
  }
}
