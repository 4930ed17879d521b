package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaGraph;
import dev.gridstride.backend.cuda.CudaGraphExec;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Dense;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where cuBLAS is asked for: what it takes and refuses, and programs of a caller. */
class CublasUseTest {
  private final Program.Builder builder = new Program.Builder();

  @BeforeEach
  void simulated() {
    Simulated.require();
  }

  private Program convolution(Conv2d conv, int kernel) {
    Value x = builder.input("x", TensorType.float32(2, 4, 5, 5));
    Value w = builder.input("w", TensorType.float32(6, 4 / conv.groups(), kernel, kernel));
    builder.output(builder.add("y", conv, x, w));
    return builder.build();
  }

  private static Explanation.Row explain(Program program, String choice, Precision precision) {
    DeviceOptions options =
        DeviceOptions.DEFAULT
            .withPrecision(precision)
            .withImplementations(ImplementationChoice.parse(choice));
    try (Session session = new SimulatedBackend().open(options);
        Executable executable = session.compile(program)) {
      return executable.explanation().rows().get(0);
    }
  }

  @Test
  void whatItRefusesIsComputedByOwnKernelsAndSaidWhy() {
    Explanation.Row row = explain(convolution(Conv2d.PLAIN, 3), "cublas", Precision.FLOAT32);
    assertEquals("own", row.implementation());
    String why = row.candidates().toString();
    assertTrue(why.contains("kernel of 1x1"), why);
  }

  @Test
  void whatItMustTakeAndRefusesIsAnError() {
    Conv2d strided = new Conv2d(Size2d.of(2), Padding2d.NONE, Size2d.of(1), 1, false);
    Program program = convolution(strided, 1);
    BackendException e =
        assertThrows(
            BackendException.class, () -> explain(program, "conv2d=cublas", Precision.FLOAT32));
    assertTrue(e.getMessage().contains("kernel of 1x1 that skip and pad nothing"), e.getMessage());
    assertTrue(e.getMessage().contains("[2,4,5,5]"), e.getMessage());
  }

  @Test
  void groupsAreOneCall() {
    Conv2d grouped = new Conv2d(Size2d.of(1), Padding2d.NONE, Size2d.of(1), 2, false);
    Explanation.Row row = explain(convolution(grouped, 1), "cublas", Precision.TF32);
    assertEquals("cublas", row.implementation());
    String launches = row.toString();
    assertTrue(
        launches.contains("cublasGemmStridedBatchedEx, 2 times 50x3 = 50x2 (3x2)^T, tf32"),
        launches);
  }

  @Test
  void bfloat16ResultsAreWrittenByTheCallItself() {
    Value x = builder.input("x", TensorType.float32(3, 4));
    Value w = builder.input("w", TensorType.float32(5, 4));
    Value v = builder.input("v", TensorType.float32(2, 5));
    Value h = builder.add("h", new Dense(false), x, w);
    builder.output(builder.add("y", new Dense(false), h, v));
    DeviceOptions options =
        DeviceOptions.DEFAULT
            .withPrecision(Precision.BF16)
            .withImplementations(ImplementationChoice.parse("cublas"));
    try (Session session = new SimulatedBackend().open(options);
        Executable executable = session.compile(builder.build())) {
      String all = executable.explain();
      assertTrue(all.contains("3x5 = 3x4 (5x4)^T, bf16 to bf16"), all);
      assertTrue(all.contains("3x2 = 3x5 (2x5)^T, bf16"), all);
    }
  }

  @Test
  void theSessionSaysWhichLibraryItUses() {
    DeviceOptions options =
        DeviceOptions.DEFAULT.withImplementations(ImplementationChoice.parse("cublas"));
    try (Session session = new SimulatedBackend().open(options)) {
      String text = session.description();
      assertTrue(text.matches(".*, cuBLAS 12\\.[0-9.]+ \\(/.*libcublas.so.12, simulated\\)"), text);
      assertTrue(session.facts().get("libraries").startsWith("cuBLAS 12."), "" + session.facts());
    }
    try (Session session = new SimulatedBackend().open(DeviceOptions.DEFAULT)) {
      assertTrue(!session.description().contains("cuBLAS"), session.description());
    }
  }

  /** On the caller's memory and stream, in the caller's graph, twice with other memory. */
  @Test
  void aCallersProgram() {
    Value x = builder.input("x", TensorType.float32(3, 4));
    Value w = builder.input("w", TensorType.float32(2, 4));
    Value b = builder.input("b", TensorType.float32(2));
    Value y = builder.add("y", new Dense(true), x, w, b);
    builder.output(y);
    float[] data = {1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4};
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaProgram program =
            CudaProgram.builder(context, builder.build())
                .implementations(ImplementationChoice.parse("dense=cublas"))
                .callersWorkspace()
                .compile()) {
      assertTrue(program.explain().contains("cublasGemmEx, 3x2 = 3x4 (2x4)^T"), program.explain());
      CudaStream stream = context.createStream();
      program.workspace(context.allocate(program.workspaceBytes(), "workspace"));
      program.bind(w, of(context, 1, 1, 1, 1, 1, 0, 0, -1));
      program.bind(b, of(context, 0.5f, 2));
      DeviceBuffer xs = of(context, data);
      DeviceBuffer ys = context.allocate(24);
      program.bind(x, xs);
      program.bind(y, ys);
      stream.beginCapture();
      program.run(stream);
      try (CudaGraph graph = stream.endCapture();
          CudaGraphExec replay = graph.instantiate()) {
        replay.launch(stream);
        stream.synchronize();
        assertArrayEquals(new float[] {10.5f, 0, 26.5f, 0, 0, 5}, ys.read(new float[6]));
      }
      DeviceBuffer others = context.allocate(24);
      program.bind(y, others);
      xs.write(new float[12]);
      program.run(stream);
      stream.synchronize();
      assertArrayEquals(new float[] {0.5f, 2, 0.5f, 2, 0.5f, 2}, others.read(new float[6]));
      assertEquals(List.of(10.5f), List.of(ys.read(new float[6])[0]));
    }
  }

  private static DeviceBuffer of(CudaContext context, float... values) {
    DeviceBuffer buffer = context.allocate(4L * values.length);
    buffer.write(values);
    return buffer;
  }
}
