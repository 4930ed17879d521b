package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaModule;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Bfloat16;
import dev.gridstride.program.Node;
import dev.gridstride.program.Role;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Relu;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Runs what launch arithmetic emits on the simulated device, for kernels that no op reaches. Every
 * buffer lies between guard zones; outputs are unset before the run.
 */
final class DirectRun implements AutoCloseable {
  /**
   * A way to run.
   *
   * @param seed of the order of blocks and threads; 0 is program order
   */
  record Way(String name, long seed, boolean checked) {
    @Override
    public String toString() {
      return name;
    }
  }

  static final List<Way> WAYS =
      List.of(
          new Way("in order", 0, false),
          new Way("random order", 5, false),
          new Way("random order, checker", 6, true));

  private static final int GUARD = 256;
  private static final byte PATTERN = 0x5a;

  /** As many multiprocessors as make the smallest problems split their sums. */
  private static final Emitter.Traits DEVICE = new Emitter.Traits(8, 90, Precision.FLOAT32);

  private final Way way;
  private final CudaContext context;
  private final CudaStream stream;
  private final Map<KernelCode, CudaModule> modules = new HashMap<>();
  private final List<DeviceBuffer> buffers = new ArrayList<>();
  private final Map<DeviceBuffer, String> guards = new LinkedHashMap<>();

  DirectRun(Way way) {
    assumeTrue(Simulator.unavailableReason() == null, Simulator::unavailableReason);
    this.way = way;
    Simulator.get().seed(way.seed());
    context = CudaDriver.simulated().device(0).createContext();
    stream = context.createStream();
  }

  /** float32 on the device, {@code shift} elements off a multiple of 256 bytes. */
  Place floats(String name, int shift, float... values) {
    Place place = unset(name, shift * 4L, values.length * 4L);
    place.buffer().write(values);
    return place;
  }

  /** bfloat16 on the device, {@code shift} elements off a multiple of 256 bytes. */
  Place bfloat16s(String name, int shift, float... values) {
    Place place = unset(name, shift * 2L, values.length * 2L);
    place.buffer().write(Bfloat16.of(values));
    return place;
  }

  /** Memory that nothing was written to, {@code shift} bytes off a multiple of 256. */
  Place unset(String name, long shift, long bytes) {
    DeviceBuffer whole = context.allocate(GUARD + shift + bytes + GUARD, name);
    buffers.add(whole);
    DeviceBuffer before = whole.slice(0, GUARD + shift);
    DeviceBuffer after = whole.slice(GUARD + shift + bytes, GUARD);
    before.fill(PATTERN, stream);
    after.fill(PATTERN, stream);
    guards.put(before, name + ", before it");
    guards.put(after, name + ", after it");
    DeviceBuffer inside = whole.slice(GUARD + shift, bytes);
    Place.Memory memory = new Place.Memory(name, bytes);
    memory.bind(inside);
    return Place.of(memory);
  }

  float[] floats(Place place) {
    DeviceBuffer buffer = place.buffer();
    return buffer.read(new float[(int) (buffer.bytes() / 4)]);
  }

  /** bfloat16 as the float32 that they stand for. */
  float[] bfloat16s(Place place) {
    DeviceBuffer buffer = place.buffer();
    return Bfloat16.floats(buffer.read(new short[(int) (buffer.bytes() / 2)]));
  }

  /** Runs what is emitted, in order, and checks the guard zones. Returns the kernels' names. */
  List<String> run(Consumer<Emitter> emit) {
    Value value = Value.of("value", TensorType.float32(1), Role.STATE, false);
    Node node = new Node(new Relu(), List.of(value), List.of(value));
    Emitter e = new Emitter(node, true, v -> Place.NULL, Value::shape, DEVICE);
    emit.accept(e);
    for (Place.Memory scratch : e.scratches()) {
      scratch.bind(unset(scratch.name, 0, scratch.bytes).buffer());
    }
    List<Command.Launch> launches =
        e.commands().stream().map(command -> (Command.Launch) command).toList();
    for (Command.Launch launch : launches) {
      CudaModule module =
          modules.computeIfAbsent(launch.code(), code -> code.load(context, way.checked()));
      Object[] arguments =
          launch.args().stream().map(a -> a instanceof Place place ? place.buffer() : a).toArray();
      module
          .kernel(launch.kernel())
          .launch(stream, launch.grid(), launch.block(), launch.sharedBytes(), arguments);
    }
    stream.synchronize();
    guards.forEach(DirectRun::checkGuard);
    return launches.stream().map(Command.Launch::kernel).toList();
  }

  private static void checkGuard(DeviceBuffer guard, String what) {
    byte[] expected = new byte[(int) guard.bytes()];
    Arrays.fill(expected, PATTERN);
    int at = Arrays.mismatch(expected, guard.read(new byte[expected.length]));
    if (at >= 0) {
      throw new AssertionError("write outside " + what + ", byte " + at + " of " + expected.length);
    }
  }

  @Override
  public void close() {
    buffers.forEach(DeviceBuffer::close);
    modules.values().forEach(CudaModule::close);
    stream.close();
    context.close();
    Simulator.get().seed(0);
  }
}
