package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Profile;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.OnSimulatedDevice;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(OnSimulatedDevice.class)
class CudaSessionTest {
  private static final int OUT_OF_MEMORY = 2;
  private static final List<String> COUNTED =
      List.of("allocations", "modules", "streams", "events", "contexts");

  private static Session open() {
    return SimulatedBackend.open(DeviceOptions.DEFAULT, SessionOptions.DEFAULT);
  }

  private static List<Long> counts() {
    return COUNTED.stream().map(Simulator.get()::count).toList();
  }

  /** Different bits in every element. */
  private static Tensor random(TensorType type) {
    SplittableRandom random = new SplittableRandom(5);
    int length = Math.toIntExact(type.shape().elements());
    Shape shape = type.shape();
    switch (type.dtype()) {
      case FLOAT32 -> {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
          values[i] = (float) random.nextDouble();
        }
        return Tensor.of(shape, values);
      }
      case BFLOAT16 -> {
        short[] bits = new short[length];
        for (int i = 0; i < length; i++) {
          bits[i] = (short) random.nextInt();
        }
        return Tensor.of(shape, bits);
      }
      case FLOAT64 -> {
        return Tensor.of(shape, random.doubles(length).toArray());
      }
      case INT32 -> {
        return Tensor.of(shape, random.ints(length).toArray());
      }
      case INT64 -> {
        return Tensor.of(shape, random.longs(length).toArray());
      }
      default -> {
        byte[] values = new byte[length];
        random.nextBytes(values);
        return Tensor.of(shape, values);
      }
    }
  }

  private static void roundTrip(TensorType type) {
    Value value = Value.of("kept", type, Role.STATE, false);
    try (Session session = open()) {
      session.compile(Program.of(List.of(), List.of(value)));
      assertEquals(Tensor.zeros(type), session.read(value));
      Tensor tensor = random(type);
      session.write(value, tensor);
      assertEquals(tensor, session.read(value));
    }
  }

  @ParameterizedTest
  @EnumSource(DataType.class)
  void imagesOfEveryTypeComeBackAsWritten(DataType dtype) {
    roundTrip(new TensorType(dtype, Shape.of(3, 5, 7, 2)));
  }

  @ParameterizedTest
  @EnumSource(DataType.class)
  void valuesLargerThanTheStagingMemoryComeBackAsWritten(DataType dtype) {
    roundTrip(new TensorType(dtype, Shape.of(3, 5, 700, 500)));
    roundTrip(new TensorType(dtype, Shape.of(4_500_001)));
  }

  @Test
  void imagesAreChannelsLastOnTheDevice() {
    Value value = Value.of("x", TensorType.float32(1, 2, 1, 3), Role.STATE, false);
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        Transfer transfer = new Transfer(context)) {
      DeviceBuffer buffer = context.allocate(24);
      transfer.write(buffer, Tensor.of(value.shape(), 1f, 2f, 3f, 10f, 20f, 30f), value.shape());
      List<Float> stored = new ArrayList<>();
      for (float element : buffer.read(new float[6])) {
        stored.add(element);
      }
      assertEquals(List.of(1f, 10f, 2f, 20f, 3f, 30f), stored);
    }
  }

  /** x to relu to [4,6] to relu. */
  private record Net(Program program, Value x, Value y) {
    static Net of(int... dims) {
      Program.Builder b = new Program.Builder();
      Value x = b.input("x", TensorType.float32(dims));
      Value hidden = b.add("hidden", new Relu(), x);
      Value flat = b.add("flat", new Reshape(Shape.of(4, 6)), hidden);
      Value y = b.add("y", new Relu(), flat);
      b.output(y);
      return new Net(b.build(), x, y);
    }
  }

  @Test
  void aReshapeThatMovesNothingIsAView() {
    Net net = Net.of(4, 2, 3);
    try (Session session = open()) {
      Executable executable = session.compile(net.program());
      assertTrue(executable.explain().contains("view, nothing moves"), executable.explain());
      Tensor x = random(net.x().type());
      session.write(net.x(), x);
      executable.run();
      assertEquals(Tensor.of(Shape.of(4, 6), x.floats()), executable.read(net.y()));
    }
  }

  @Test
  void aReshapeOfImagesMoves() {
    Net net = Net.of(4, 2, 1, 3);
    try (Session session = open()) {
      Executable executable = session.compile(net.program());
      assertTrue(!executable.explain().contains("view"), executable.explain());
      Tensor x = random(net.x().type());
      session.write(net.x(), x);
      executable.run();
      assertEquals(Tensor.of(Shape.of(4, 6), x.floats()), executable.read(net.y()));
    }
  }

  @Test
  void aProfileHasALineForEveryNode() {
    Net net = Net.of(4, 2, 1, 3);
    try (Session session = open()) {
      Profile profile = session.compile(net.program()).profile(2);
      assertEquals(
          net.program().nodes().stream().map(Object::toString).toList(),
          profile.steps().stream().map(Profile.Step::name).toList());
      assertTrue(profile.runNanos() > 0);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-256, -1, 12, 267})
  void aWriteIntoAGuardZoneIsFound(long offset) {
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaStream stream = context.createStream();
        DeviceMemory memory = new DeviceMemory(context, true)) {
      Place.Memory value = new Place.Memory("weights", 12);
      memory.apart(List.of(value), stream);
      value.buffer().fill((byte) 1, stream);
      memory.checkGuards("conv1 = conv2d(x)");
      context.wrap(value.buffer().address() + offset, 1, "stray").fill((byte) 1, stream);
      BackendException error =
          assertThrows(BackendException.class, () -> memory.checkGuards("conv1 = conv2d(x)"));
      assertEquals(
          "cuda: conv1 = conv2d(x) wrote outside of weights: at byte "
              + offset
              + " of a buffer of 12 bytes",
          error.getMessage());
    }
  }

  @Test
  void closingGivesEverythingBack() {
    List<Long> before = counts();
    Session session = open();
    Net net = Net.of(4, 2, 1, 3);
    session.compile(net.program()).run();
    session.compile(net.program()).profile(1);
    session.close();
    assertEquals(before, counts());
  }

  @Test
  void everyAllocationMayFailAndNothingIsLost() {
    List<Long> before = counts();
    Net net = Net.of(4, 2, 1, 3);
    int failed = 0;
    boolean complete = false;
    while (!complete) {
      Simulator.get().fault("alloc", failed + 1, OUT_OF_MEMORY);
      try (Session session = open()) {
        session.compile(net.program()).run();
        complete = true;
      } catch (BackendException e) {
        assertTrue(e.getMessage().contains("OUT_OF_MEMORY"), e.getMessage());
        failed++;
      }
      Simulator.get().clearFaults();
      assertEquals(before, counts());
    }
    assertTrue(failed >= 3, "persistent value, arena and scratch; failed only " + failed);
  }

  @Test
  void anotherProgramCanBeCompiledAfterOneThatDidNotFit() {
    Net net = Net.of(4, 2, 1, 3);
    try (Session session = open()) {
      Executable first = session.compile(net.program());
      Tensor x = random(net.x().type());
      session.write(net.x(), x);
      Simulator.get().fault("alloc", 1, OUT_OF_MEMORY);
      assertThrows(BackendException.class, () -> session.compile(net.program()));
      Simulator.get().clearFaults();
      Executable second = session.compile(net.program());
      first.run();
      second.run();
      assertEquals(first.read(net.y()), second.read(net.y()));
    }
  }

  @Test
  void outOfMemoryNamesTheLargestValues() {
    Program.Builder b = new Program.Builder();
    Value x = b.input("images", TensorType.float32(1, 256, 256, 256));
    Value big = b.add("first_layer", new Relu(), x);
    b.output(b.add("last_layer", new Relu(), big));
    Program program = b.build();
    Simulator.get().fault("cuMemAlloc_v2", 2, OUT_OF_MEMORY);
    try (Session session = open()) {
      BackendException error = assertThrows(BackendException.class, () -> session.compile(program));
      String message = error.getMessage();
      assertTrue(message.contains("needs 201,326,592 bytes (67,108,864 for weights"), message);
      assertTrue(message.contains("first_layer (67,108,864 bytes)"), message);
      assertTrue(message.contains("8,589,934,592 of 8,589,934,592 are free"), message);
      assertTrue(message.contains("cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY"), message);
    }
  }
}
