package dev.gridstride.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.Session;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.Relu;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every session promises, whatever its device. */
class SessionContractTest {
  private static final TensorType COUNT = TensorType.scalar(DataType.INT64);

  static List<Device> devices() {
    return Device.all();
  }

  /** {@code y = x w^T} for a batch, counting its runs. */
  private record Layer(Program program, Value x, Value w, Value y, Value runs) {
    static Layer of(int batch) {
      Program.Builder b = new Program.Builder();
      Value x = b.input("x" + batch, TensorType.float32(batch, 2));
      Value w = b.parameter("w", Shape.of(3, 2));
      Value y = b.add("y", new Dense(false), x, w);
      Value hidden = b.add("hidden", new Relu(), y);
      b.output(b.add("out", new Relu(), hidden));
      b.output(y);
      Value runs = b.state("runs", COUNT);
      b.update(new Increment(1), List.of(runs), List.of(runs));
      return new Layer(b.build(), x, w, y, runs);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void persistentValuesAreZeroUntilWritten(Device device) {
    Layer layer = Layer.of(2);
    try (Session session = device.open()) {
      session.compile(layer.program());
      assertEquals(Tensor.zeros(layer.w().type()), session.read(layer.w()));
      assertEquals(0, session.readScalar(layer.runs()));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void programsShareParametersAndStatesByName(Device device) {
    Layer large = Layer.of(2);
    Layer small = Layer.of(1);
    try (Session session = device.open()) {
      Executable first = session.compile(large.program());
      session.write(large.w(), Tensor.of(Shape.of(3, 2), 1f, 2, 3, 4, 5, 6));
      first.run();
      Executable second = session.compile(small.program());
      session.write(small.x(), Tensor.of(Shape.of(1, 2), 1f, 10));
      second.run();
      assertArrayEquals(new float[] {21, 43, 65}, second.read(small.y()).floats());
      assertEquals(2, session.readScalar(large.runs()));
      first.close();
      assertEquals(2, session.readScalar(small.runs()));
      second.run();
      assertEquals(3, session.readScalar(small.runs()));
      assertEquals(session.read(large.w()), session.read(small.w()));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void severalRunsAreAsManySingleOnes(Device device) {
    Layer layer = Layer.of(2);
    try (Session session = device.open()) {
      Executable executable = session.compile(layer.program());
      for (int times : List.of(1, 2, 5, 3, 5, 4, 6)) {
        executable.run(times);
      }
      assertEquals(26, session.readScalar(layer.runs()));
      assertThrows(IllegalArgumentException.class, () -> executable.run(0));
      assertEquals(26, session.readScalar(layer.runs()));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void readingsAreOfTheRequestAndStayUntilTheNext(Device device) {
    Layer layer = Layer.of(2);
    try (Session session = device.open()) {
      assertThrows(BackendException.class, () -> session.follow(List.of(layer.runs())).close());
      Executable executable = session.compile(layer.program());
      try (Readings readings = session.follow(List.of(layer.runs()))) {
        assertEquals(0, readings.get(0));
        executable.run(3);
        readings.request();
        executable.run(4);
        readings.await();
        assertTrue(readings.poll());
        assertEquals(3, readings.get(0));
        readings.request();
        while (!readings.poll()) {
          Thread.onSpinWait();
        }
        assertEquals(7, readings.get(0));
        executable.run();
        readings.await(); // nothing is open
        assertEquals(7, readings.get(0));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void writingAnotherTypeIsAnError(Device device) {
    Layer layer = Layer.of(2);
    try (Session session = device.open()) {
      session.compile(layer.program());
      ProgramException error =
          assertThrows(
              ProgramException.class,
              () -> session.write(layer.w(), Tensor.of(Shape.of(2, 3), 1f, 2, 3, 4, 5, 6)));
      assertContains(error, "w", "float32[3,2]", "float32[2,3]");
      assertThrows(
          ProgramException.class,
          () -> session.write(layer.w(), Tensor.of(Shape.of(3, 2), 1, 2, 3, 4, 5, 6)));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aNameWithTwoTypesIsAnError(Device device) {
    Layer layer = Layer.of(2);
    Program.Builder b = new Program.Builder();
    Value w = b.parameter("w", Shape.of(2, 3));
    b.output(b.add("y", new Relu(), w));
    try (Session session = device.open()) {
      session.compile(layer.program());
      ProgramException error =
          assertThrows(ProgramException.class, () -> session.compile(b.build()));
      assertContains(error, "w", "float32[3,2]", "float32[2,3]");
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void unknownValuesAreErrors(Device device) {
    Layer layer = Layer.of(2);
    Value other = new Program.Builder().parameter("other", Shape.of(1));
    try (Session session = device.open()) {
      Executable executable = session.compile(layer.program());
      Tensor one = Tensor.of(Shape.of(1), 1f);
      assertContains(
          assertThrows(BackendException.class, () -> session.write(other, one)), "other");
      assertContains(assertThrows(BackendException.class, () -> session.read(other)), "other");
      Value hidden = layer.program().nodes().get(1).output();
      assertContains(assertThrows(BackendException.class, () -> executable.read(hidden)), "hidden");
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void useAfterCloseIsAnError(Device device) {
    Layer layer = Layer.of(2);
    Session session = device.open();
    Executable closed = session.compile(layer.program());
    Executable open = session.compile(layer.program());
    closed.close();
    closed.close();
    assertContains(assertThrows(BackendException.class, closed::run), "closed");
    assertContains(assertThrows(BackendException.class, () -> closed.read(layer.y())), "closed");
    open.run();
    session.close();
    session.close();
    assertContains(assertThrows(BackendException.class, open::run), "closed");
    assertContains(assertThrows(BackendException.class, () -> session.read(layer.w())), "closed");
    assertContains(
        assertThrows(BackendException.class, () -> session.compile(layer.program())), "closed");
  }

  @ParameterizedTest
  @MethodSource("devices")
  void runningAllocatesNothing(Device device) {
    Layer layer = Layer.of(5);
    try (Session session = device.open()) {
      Executable executable = session.compile(layer.program());
      executable.run();
      var before = session.memoryUse();
      for (int i = 0; i < 3; i++) {
        executable.run();
        executable.read(layer.y());
        session.readScalar(layer.runs());
        session.write(layer.w(), session.read(layer.w()));
      }
      assertEquals(before, session.memoryUse());
      assertTrue(before.persistentBytes() >= layer.w().type().bytes());
      assertTrue(executable.plannedBytes() > 0);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void closingAProgramGivesItsMemoryBack(Device device) {
    Layer layer = Layer.of(5);
    try (Session session = device.open()) {
      Executable first = session.compile(layer.program());
      long one = session.memoryUse().programBytes();
      Executable second = session.compile(layer.program());
      assertTrue(session.memoryUse().programBytes() > one);
      second.close();
      assertEquals(one, session.memoryUse().programBytes());
      first.close();
      assertEquals(0, session.memoryUse().programBytes());
      assertTrue(session.memoryUse().persistentBytes() > 0);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aSecondRunGivesTheSameBits(Device device) {
    Layer layer = Layer.of(5);
    try (Session session = device.open()) {
      Executable executable = session.compile(layer.program());
      session.write(layer.x(), new Numbers(1).reals(layer.x().shape(), -1, 1));
      session.write(layer.w(), new Numbers(2).reals(layer.w().shape(), -1, 1));
      executable.run();
      Tensor first = executable.read(layer.y());
      executable.run();
      assertEquals(first, executable.read(layer.y()));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void explanationsNameEveryOp(Device device) {
    Layer layer = Layer.of(2);
    try (Session session = device.open()) {
      String explanation = session.compile(layer.program()).explain();
      for (String op : List.of("dense", "relu", "increment")) {
        assertTrue(explanation.toLowerCase(java.util.Locale.ROOT).contains(op), explanation);
      }
      assertTrue(session.description().contains(device.backend().name()), session.description());
    }
  }

  private static void assertContains(Exception error, String... parts) {
    for (String part : parts) {
      assertTrue(error.getMessage().contains(part), error.getMessage());
    }
  }
}
