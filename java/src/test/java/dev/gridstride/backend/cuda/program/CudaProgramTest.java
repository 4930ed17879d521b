package dev.gridstride.backend.cuda.program;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.OutOfDeviceMemoryException;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.BiasAdd;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Matmul;
import dev.gridstride.program.op.Relu;
import dev.gridstride.program.op.Reshape;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.SplittableRandom;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs on the memory, stream and context of a plain JCuda program. */
class CudaProgramTest {
  private static final int OUT_OF_MEMORY = 2;

  /** Convolution, bias, ReLU, flatten and matrix product; both results are outputs. */
  private static final class Net {
    final Program.Builder builder = new Program.Builder();
    final Value x = builder.input("x", TensorType.float32(2, 3, 6, 5));
    final Value w = builder.parameter("w", Shape.of(4, 3, 3, 3));
    final Value b = builder.parameter("b", Shape.of(4));
    final Value m = builder.parameter("m", Shape.of(48, 5));
    final Value y;
    final Value z;
    final Program program;

    Net() {
      Value linear = builder.add("linear", Conv2d.PLAIN, x, w);
      Value biased = builder.add("biased", new BiasAdd(), linear, b);
      y = builder.add("y", new Relu(), biased);
      Value flat = builder.add("flat", new Reshape(Shape.of(2, 48)), y);
      z = builder.add("z", new Matmul(false, false), flat, m);
      builder.output(y);
      builder.output(z);
      program = builder.build();
    }
  }

  private final Net net = new Net();
  private Caller caller;
  private CudaContext context;
  private CudaStream stream;

  @BeforeEach
  void open() {
    caller = new Caller();
    context = caller.wrap();
    stream = caller.stream(context);
  }

  @AfterEach
  void close() {
    if (caller != null) {
      Simulator.get().clearFaults();
      Simulator.get().seed(0);
      context.close();
      caller.close();
    }
  }

  /** Integers that float32 adds without rounding. */
  private static float[] numbers(Value value, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[Math.toIntExact(value.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(-3, 4);
    }
    return values;
  }

  /** What double loops make of {@code x} from this seed: y and z. */
  private List<float[]> expected(int seed) {
    try (Session session = Backends.open("reference", 0).session()) {
      Executable executable = session.compile(net.program);
      for (Value value : List.of(net.x, net.w, net.b, net.m)) {
        int from = value == net.x ? seed : 1;
        session.write(value, Tensor.of(value.shape(), numbers(value, from)));
      }
      executable.run();
      return List.of(executable.read(net.y).floats(), executable.read(net.z).floats());
    }
  }

  private CUdeviceptr pointer(Value value) {
    return caller.allocate(value.type().bytes());
  }

  private DeviceBuffer buffer(Value value, CUdeviceptr pointer) {
    return context.wrap(pointer, value.type().bytes(), value.name());
  }

  /** In the caller's memory, channels last or row by row. */
  private void write(Value value, CUdeviceptr pointer, int seed, boolean rowMajor) {
    float[] values = numbers(value, seed);
    boolean moves = value.shape().rank() == 4 && !rowMajor;
    caller.write(pointer, moves ? Caller.channelsLast(value.shape(), values) : values);
  }

  private void bindWeights(CudaProgram program, boolean rowMajor) {
    for (Value value : List.of(net.w, net.b, net.m)) {
      CUdeviceptr pointer = pointer(value);
      write(value, pointer, 1, rowMajor);
      program.bind(value, buffer(value, pointer));
    }
  }

  private CudaProgram.Builder builder(boolean rowMajor) {
    CudaProgram.Builder builder = CudaProgram.builder(context, net.program).checked();
    return rowMajor ? builder.rowMajor(net.x, net.w, net.y) : builder;
  }

  private void assertResults(CUdeviceptr y, CUdeviceptr z, int seed, boolean rowMajor) {
    List<float[]> expected = expected(seed);
    float[] first = expected.get(0);
    float[] stored = rowMajor ? first : Caller.channelsLast(net.y.shape(), first);
    assertArrayEquals(stored, caller.read(y, first.length));
    assertArrayEquals(expected.get(1), caller.read(z, expected.get(1).length));
  }

  private static void assertFails(Class<? extends Throwable> type, String expected, Runnable call) {
    String message = assertThrows(type, call::run).getMessage();
    assertTrue(message.contains(expected), message);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aProgramRunsInTheCallersMemoryAndStream(boolean rowMajor) {
    List<Long> before = Caller.counts();
    List<CUdeviceptr> theirs = List.of(pointer(net.x), pointer(net.y), pointer(net.z));
    Simulator.get().seed(rowMajor ? 7 : 3);
    try (CudaProgram program = builder(rowMajor).compile()) {
      bindWeights(program, rowMajor);
      program.bind(net.x, buffer(net.x, theirs.get(0)));
      program.bind(net.y, buffer(net.y, theirs.get(1)));
      program.bind(net.z, buffer(net.z, theirs.get(2)));
      for (int seed = 5; seed < 8; seed++) {
        write(net.x, theirs.get(0), seed, rowMajor);
        program.run(stream);
        caller.synchronize();
        assertResults(theirs.get(1), theirs.get(2), seed, rowMajor);
      }
      assertEquals(program.workspaceBytes(), program.allocatedBytes());
      assertTrue(program.explain().contains("conv2d_"), program.explain());
      assertEquals(rowMajor ? "row by row" : "channels last [2,6,5,3]", program.layout(net.x));
    }
    List<Long> after = Caller.counts();
    assertEquals(before.get(0) + 6, after.get(0), "only the caller's six allocations are left");
    assertEquals(before.subList(1, before.size()), after.subList(1, after.size()));
  }

  @Test
  void theLayersBecomeOneLaunchEach() {
    try (CudaProgram program = builder(false).compile()) {
      assertEquals(
          List.of("conv2d", "reshape", "matmul"),
          program
              .explain()
              .lines()
              .map(
                  line ->
                      line.replaceAll("^\\S+ = (\\w+)\\W.*", "$1")
                          .toLowerCase(java.util.Locale.ROOT))
              .toList(),
          program.explain());
    }
  }

  /** All numbers are integers up to 256, which bfloat16 holds, so nothing is rounded. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void tensorCoresMultiplyIfAsked(Precision precision) {
    CUdeviceptr x = pointer(net.x);
    CUdeviceptr y = pointer(net.y);
    CUdeviceptr z = pointer(net.z);
    try (CudaProgram program = builder(false).precision(precision).compile()) {
      bindWeights(program, false);
      write(net.x, x, 6, false);
      program.bind(net.x, buffer(net.x, x));
      program.bind(net.y, buffer(net.y, y));
      program.bind(net.z, buffer(net.z, z));
      program.run(stream);
      caller.synchronize();
      assertResults(y, z, 6, false);
      String kernel =
          switch (precision) {
            case FLOAT32 -> "conv2d_forward_64x32_f32";
            case TF32 -> "conv2d_forward_tf32";
            case BF16 -> "conv2d_forward_bf16";
          };
      assertTrue(program.explain().contains(kernel), program.explain());
    }
  }

  @Test
  void theCallersGraphReplaysWithNewData() {
    CUdeviceptr x = pointer(net.x);
    CUdeviceptr y = pointer(net.y);
    CUdeviceptr z = pointer(net.z);
    try (CudaProgram program = builder(false).compile()) {
      bindWeights(program, false);
      program.bind(net.x, buffer(net.x, x));
      program.bind(net.y, buffer(net.y, y));
      program.bind(net.z, buffer(net.z, z));
      List<Long> before = Caller.counts();
      long syncs = Simulator.get().count("cuStreamSynchronize") + allocations();
      check(cuCtxSetCurrent(caller.context));
      check(cuStreamBeginCapture(caller.stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL));
      program.run(stream);
      CUgraph graph = new CUgraph();
      check(cuStreamEndCapture(caller.stream, graph));
      assertEquals(syncs, Simulator.get().count("cuStreamSynchronize") + allocations());
      CUgraphExec exec = new CUgraphExec();
      check(cuGraphInstantiate(exec, graph, 0));
      for (int seed = 5; seed < 8; seed++) {
        write(net.x, x, seed, false);
        check(cuGraphLaunch(exec, caller.stream));
        caller.synchronize();
        assertResults(y, z, seed, false);
      }
      check(cuGraphExecDestroy(exec));
      check(cuGraphDestroy(graph));
      assertEquals(before, Caller.counts());
    }
  }

  private static long allocations() {
    return Simulator.get().count("cuMemAlloc_v2") + Simulator.get().count("cuMemHostAlloc");
  }

  private static void check(int status) {
    Caller.check(status);
  }

  @Test
  void memoryCanBeChangedBetweenRuns() {
    CUdeviceptr[] x = {pointer(net.x), pointer(net.x)};
    CUdeviceptr[] z = {pointer(net.z), pointer(net.z)};
    CUdeviceptr y = pointer(net.y);
    try (CudaProgram program = builder(false).compile()) {
      bindWeights(program, false);
      program.bind(net.y, buffer(net.y, y));
      for (int i = 0; i < 4; i++) {
        write(net.x, x[i % 2], 20 + i, false);
        program.bind(net.x, buffer(net.x, x[i % 2]));
        program.bind(net.z, buffer(net.z, z[i % 2]));
        program.run(stream);
        caller.synchronize();
        assertResults(y, z[i % 2], 20 + i, false);
      }
      write(net.x, x[0], 30, false);
      program.bind(net.x, buffer(net.x, x[0]));
      program.run(stream);
      program.bind(net.x, buffer(net.x, x[1]));
      caller.synchronize();
      assertResults(y, z[1], 30, false);
    }
  }

  @Test
  void theCallersWorkspaceServes() {
    try (CudaProgram program = builder(true).callersWorkspace().compile()) {
      assertEquals(0, program.allocatedBytes());
      bindWeights(program, true);
      CUdeviceptr x = pointer(net.x);
      CUdeviceptr y = pointer(net.y);
      CUdeviceptr z = pointer(net.z);
      write(net.x, x, 4, true);
      program.bind(net.x, buffer(net.x, x));
      program.bind(net.y, buffer(net.y, y));
      program.bind(net.z, buffer(net.z, z));
      long bytes = program.workspaceBytes();
      assertTrue(bytes > 0);
      assertFails(
          IllegalStateException.class,
          "no workspace; give one of at least " + bytes,
          () -> program.run(stream));
      CUdeviceptr space = caller.allocate(bytes + 256);
      assertFails(
          IllegalArgumentException.class,
          "workspace: expected at least " + bytes + " bytes, got space",
          () -> program.workspace(context.wrap(space, bytes - 1, "space")));
      assertFails(
          IllegalArgumentException.class,
          "workspace: expected an address that is a multiple of 256",
          () -> program.workspace(context.wrap(space.withByteOffset(16), bytes, "space")));
      program.workspace(context.wrap(space, bytes, "space"));
      program.run(stream);
      caller.synchronize();
      assertResults(y, z, 4, true);
      program.bind(net.y, context.wrap(space, net.y.type().bytes(), "y"));
      assertFails(IllegalArgumentException.class, "overlap in memory", () -> program.run(stream));
    }
  }

  @Test
  void memoryAtOddPlacesIsCopiedIfAskedAndElseRefused() {
    CUdeviceptr x = caller.allocate(net.x.type().bytes() + 16);
    CUdeviceptr y = caller.allocate(net.y.type().bytes() + 16);
    CUdeviceptr z = caller.allocate(net.z.type().bytes() + 16);
    float[] stored = Caller.channelsLast(net.x.shape(), numbers(net.x, 4));
    float[] moved = new float[stored.length + 1];
    System.arraycopy(stored, 0, moved, 1, stored.length);
    caller.write(x, moved);
    DeviceBuffer oddX = context.wrap(x.withByteOffset(4), net.x.type().bytes(), "x");
    DeviceBuffer oddY = context.wrap(y.withByteOffset(8), net.y.type().bytes(), "y");
    DeviceBuffer oddZ = context.wrap(z.withByteOffset(12), net.z.type().bytes(), "z");
    try (CudaProgram program = builder(false).compile()) {
      assertFails(
          IllegalArgumentException.class,
          "x (float32[2,3,6,5], channels last [2,6,5,3]): expected an address that is a multiple"
              + " of 16",
          () -> program.bind(net.x, oddX));
    }
    try (CudaProgram program = builder(false).unaligned(net.x, net.z).rowMajor(net.y).compile()) {
      bindWeights(program, false);
      program.bind(net.x, oddX);
      program.bind(net.y, oddY);
      program.bind(net.z, oddZ);
      program.run(stream);
      caller.synchronize();
      List<float[]> expected = expected(4);
      assertArrayEquals(expected.get(0), oddY.read(new float[96]));
      assertArrayEquals(expected.get(1), oddZ.read(new float[10]));
      assertFails(
          IllegalArgumentException.class,
          "expected an address that is a multiple of 4",
          () -> program.bind(net.x, context.wrap(x.withByteOffset(2), 720, "x")));
    }
  }

  @Test
  void runsMakeNoObjectsAndAskTheDriverForNothing() {
    try (CudaProgram program = builder(true).compile()) {
      bindWeights(program, true);
      DeviceBuffer[] x = {buffer(net.x, pointer(net.x)), buffer(net.x, pointer(net.x))};
      x[0].write(numbers(net.x, 1));
      x[1].write(numbers(net.x, 2));
      program.bind(net.y, buffer(net.y, pointer(net.y)));
      program.bind(net.z, buffer(net.z, pointer(net.z)));
      runSome(program, x);
      List<Long> before = Caller.counts();
      long made = runSome(program, x);
      caller.synchronize();
      assertEquals(before.subList(0, 7), Caller.counts().subList(0, 7));
      assertTrue(made < 4096, made + " bytes of objects in 200 runs");
    }
  }

  /** Bytes of objects that 200 runs make, each with another x than the one before. */
  private long runSome(CudaProgram program, DeviceBuffer... x) {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(thread);
    for (int i = 0; i < 200; i++) {
      program.bind(net.x, x[i % 2]);
      program.run(stream);
    }
    return threads.getThreadAllocatedBytes(thread) - before;
  }

  @Test
  void theCurrentContextStaysTheCallers() {
    try (CudaContext other = CudaDriver.simulated().device(0).createContext()) {
      other.synchronize();
      var theirs = Caller.current();
      CudaProgram program = builder(false).compile();
      assertEquals(theirs, Caller.current());
      bindWeights(program, false);
      CUdeviceptr x = pointer(net.x);
      write(net.x, x, 1, false);
      program.bind(net.x, buffer(net.x, x));
      program.bind(net.y, buffer(net.y, pointer(net.y)));
      program.bind(net.z, buffer(net.z, pointer(net.z)));
      other.synchronize();
      program.run(stream);
      assertEquals(theirs, Caller.current());
      program.close();
      assertEquals(theirs, Caller.current());
    }
  }

  @Test
  void whatIsBoundWrongIsNamed() {
    try (CudaProgram program = builder(false).compile();
        CudaContext other = CudaDriver.simulated().device(0).createContext()) {
      assertFails(
          IllegalStateException.class,
          "not bound: x (float32[2,3,6,5], channels last [2,6,5,3]), w (",
          () -> program.run(stream));
      assertFails(
          IllegalArgumentException.class,
          "linear: float32[2,4,4,3] is none of its inputs and outputs, which are x, w, b, y, m, z",
          () -> program.bind(net.program.nodes().get(0).output(), buffer(net.x, pointer(net.x))));
      assertFails(
          IllegalArgumentException.class,
          "x (float32[2,3,6,5], channels last [2,6,5,3]): expected 720 bytes of memory, got null",
          () -> program.bind(net.x, null));
      assertFails(
          IllegalArgumentException.class, "got null", () -> program.bind(net.x, DeviceBuffer.NULL));
      assertFails(
          IllegalArgumentException.class,
          "expected at least 720 bytes, got theirs (719 bytes)",
          () -> program.bind(net.x, context.wrap(pointer(net.x), 719, "theirs")));
      DeviceBuffer there = other.allocate(720, "there");
      assertFails(
          IllegalArgumentException.class,
          "there (720 bytes) belongs to another context than the program",
          () -> program.bind(net.x, there));
      DeviceBuffer closed = context.allocate(720, "gone");
      program.bind(net.x, closed);
      closed.close();
      assertFails(
          IllegalStateException.class,
          "gone (720 bytes) is closed",
          () -> program.bind(net.x, closed));
      bindWeights(program, false);
      program.bind(net.y, buffer(net.y, pointer(net.y)));
      program.bind(net.z, buffer(net.z, pointer(net.z)));
      assertFails(
          IllegalStateException.class, "gone (720 bytes) is closed", () -> program.run(stream));
      CUdeviceptr both = caller.allocate(720 + 384);
      program.bind(net.x, buffer(net.x, both));
      program.bind(net.y, buffer(net.y, both.withByteOffset(704)));
      assertFails(
          IllegalArgumentException.class,
          "overlap in memory; bind them apart",
          () -> program.run(stream));
      program.bind(net.y, buffer(net.y, both.withByteOffset(720)));
      write(net.x, both, 1, false);
      assertFails(
          IllegalArgumentException.class, "expected a stream, got null", () -> program.run(null));
      try (CudaStream theirs = other.createStream()) {
        assertFails(
            IllegalArgumentException.class,
            "the stream belongs to another context than the program",
            () -> program.run(theirs));
      }
      CudaStream gone = context.createStream();
      gone.close();
      assertFails(IllegalStateException.class, "the stream is closed", () -> program.run(gone));
      program.run(stream);
      caller.synchronize();
    }
    CudaProgram ended = builder(false).compile();
    ended.close();
    ended.close();
    assertFails(IllegalStateException.class, "compile it again", () -> ended.run(stream));
  }

  @Test
  void valuesThatCannotBeCopiedAreNamed() {
    assertFails(
        ProgramException.class,
        "is none of its inputs and outputs",
        () ->
            CudaProgram.builder(context, net.program)
                .rowMajor(net.program.nodes().get(0).output()));
  }

  @Test
  void memoryThatTheCallerFreedIsNamedByTheDevice() {
    CUdeviceptr gone = new CUdeviceptr();
    check(cuCtxSetCurrent(caller.context));
    check(jcuda.driver.JCudaDriver.cuMemAlloc(gone, 720));
    try (CudaProgram program = builder(false).compile()) {
      bindWeights(program, false);
      program.bind(net.x, buffer(net.x, gone));
      program.bind(net.y, buffer(net.y, pointer(net.y)));
      program.bind(net.z, buffer(net.z, pointer(net.z)));
      check(cuCtxSetCurrent(caller.context));
      check(cuMemFree(gone));
      assertFails(BackendException.class, "program: in y = Conv2d", () -> program.run(stream));
    }
  }

  @Test
  void everyAllocationMayFailAndNothingIsLost() {
    List<Long> before = Caller.counts();
    Simulator.get().fault("alloc", 1, OUT_OF_MEMORY);
    CudaProgram.Builder builder = builder(true);
    OutOfDeviceMemoryException error =
        assertThrows(OutOfDeviceMemoryException.class, builder::compile);
    assertTrue(error.getMessage().contains("inside"), error.getMessage());
    Simulator.get().clearFaults();
    Simulator.get().fault("module", 1, 209);
    assertFails(BackendException.class, "program: in ", builder::compile);
    Simulator.get().clearFaults();
    assertEquals(before, Caller.counts());
    builder.compile().close();
    assertEquals(before, Caller.counts());
  }

  /** Returns the driver's functions that were called, closing left out. */
  private List<String> wrapCompileAndRun(CUdeviceptr... theirs) {
    List<Value> values = List.of(net.x, net.w, net.b, net.m, net.y, net.z);
    Simulator.get().startTrace();
    try (CudaContext wrapped = caller.wrap();
        CudaProgram program = CudaProgram.builder(wrapped, net.program).rowMajor(net.x).compile()) {
      for (int i = 0; i < theirs.length; i++) {
        Value value = values.get(i);
        program.bind(value, wrapped.wrap(theirs[i], value.type().bytes(), value.name()));
      }
      program.run(caller.stream(wrapped));
      return Simulator.get().endTrace();
    }
  }

  /**
   * Every call of the driver from wrapping to running fails once: an exception that names it,
   * unless it was to make the caller's context current again, and nothing is lost.
   */
  @Test
  void everyCallMayFailAndNothingIsLost() {
    CUdeviceptr[] theirs = new CUdeviceptr[6];
    List<Value> values = List.of(net.x, net.w, net.b, net.m, net.y, net.z);
    for (int i = 0; i < theirs.length; i++) {
      theirs[i] = pointer(values.get(i));
      write(values.get(i), theirs[i], 1, false);
    }
    wrapCompileAndRun(theirs);
    List<String> calls = wrapCompileAndRun(theirs);
    assertTrue(calls.size() > 50, calls.toString());
    List<Long> before = Caller.counts();
    for (int i = 0; i < calls.size(); i++) {
      String call = calls.get(i).replaceFirst("_v2$", "");
      Simulator.get().fault("any", i + 1, 999);
      try {
        wrapCompileAndRun(theirs);
        assertEquals("cuCtxPopCurrent", call, "it failed, and nobody said so");
      } catch (BackendException e) {
        String expected = call + " failed: CUDA_ERROR_UNKNOWN (999)";
        assertTrue(e.getMessage().contains(expected), call + ": " + e.getMessage());
      } finally {
        Simulator.get().clearFaults();
      }
      caller.synchronize();
      assertEquals(before, Caller.counts(), "after call " + (i + 1) + ", " + call + ", failed");
    }
  }
}
