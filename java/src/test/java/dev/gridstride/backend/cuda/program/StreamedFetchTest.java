package dev.gridstride.backend.cuda.program;

import static dev.gridstride.backend.cuda.program.StreamedData.STREAMED;
import static dev.gridstride.backend.cuda.program.StreamedData.counts;
import static dev.gridstride.backend.cuda.program.StreamedData.open;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Programs that fetch from streamed data: taking turns, refused, failing, closed, timed. */
@ExtendWith(OnSimulatedDevice.class)
class StreamedFetchTest {
  private static final int OUT_OF_MEMORY = 2;
  private static final int LAUNCH_FAILED = 719;

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
  @MethodSource("dev.gridstride.backend.cuda.program.StreamedData#ways")
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
