package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.KernelCompiler;
import dev.gridstride.backend.cuda.KernelSource;
import dev.gridstride.backend.cuda.Simulated;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.Add;
import dev.gridstride.program.op.WeightPenalty;
import dev.gridstride.program.pass.Differentiate;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The op of {@code java/README.md}, as it stands there, and what can be wrong with such an op. */
class OwnOpTest {
  private static final Pattern EXAMPLE =
      Pattern.compile("```java\n(.*?class OwnOp .*?)```", Pattern.DOTALL);

  private static final Shape IMAGES = Shape.of(2, 3, 2, 3);

  @TempDir static Path folder;

  private static URLClassLoader loader;

  @BeforeAll
  static void compile() throws Exception {
    Simulated.requireCompiler();
    String page = Files.readString(Path.of("..", "java", "README.md"));
    Matcher matcher = EXAMPLE.matcher(page.substring(page.indexOf("## An op of your own")));
    assertTrue(matcher.find(), "java/README.md has no such example");
    Path source = Files.writeString(folder.resolve("OwnOp.java"), matcher.group(1));
    String path = System.getProperty("java.class.path");
    String[] arguments = {"-proc:none", "-cp", path, "-d", folder.toString(), source.toString()};
    assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments));
    loader = new URLClassLoader(new URL[] {folder.toUri().toURL()});
  }

  @AfterAll
  static void close() throws Exception {
    if (loader != null) {
      loader.close();
    }
  }

  private static CudaOp swish() {
    try {
      Constructor<?> constructor = loader.loadClass("Swish").getDeclaredConstructor();
      constructor.setAccessible(true);
      return (CudaOp) constructor.newInstance();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  @Test
  void theExampleTrains() throws Exception {
    Method main = loader.loadClass("OwnOp").getDeclaredMethod("main", String[].class);
    main.setAccessible(true);
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      main.invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    List<String> lines = printed.toString(StandardCharsets.UTF_8).lines().toList();
    assertEquals(6, lines.size(), lines.toString());
    for (int i = 1; i < 5; i++) {
      assertTrue(last(lines.get(i)) < last(lines.get(i - 1)), lines.toString());
    }
    assertNotEquals(1, last(lines.get(5)), "the slope has not moved");
  }

  private static double last(String line) {
    return Double.parseDouble(line.substring(line.lastIndexOf(' ')));
  }

  /** The sum of (swish(x) + r)^2 / 2, whose gradients are wanted, added up in a float64 state. */
  private static final class Sketch {
    final Program.Builder builder = new Program.Builder();
    final Value x;
    final Value beta;
    final Value r;
    final Value y;
    final Value sum = builder.state("sum", TensorType.scalar(DataType.FLOAT64));
    final Map<Value, Value> gradients;
    final Program program;

    Sketch(Shape shape) {
      x = builder.input("x", new TensorType(DataType.FLOAT32, shape));
      beta = builder.parameter("beta", Shape.of(shape.dim(1)));
      r = builder.input("r", new TensorType(DataType.FLOAT32, shape));
      y = builder.add("y", swish(), x, beta);
      Value moved = builder.add("moved", new Add(), y, r);
      Value loss = builder.add("loss", new WeightPenalty(0, 0.5f), moved);
      builder.update(new Accumulate(1), List.of(sum, loss), List.of(sum));
      builder.output(y);
      gradients = Differentiate.append(builder, loss, List.of(x, beta));
      gradients.values().forEach(builder::output);
      program = builder.build();
    }

    List<Value> given() {
      return List.of(x, beta, r);
    }
  }

  /** Multiples of 2^-7 in [-2, 2], to which a power of two can be added without rounding. */
  private static float[] numbers(Value value) {
    SplittableRandom random = new SplittableRandom(value.name().hashCode());
    float[] values = new float[Math.toIntExact(value.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(-256, 257) / 128f;
    }
    return values;
  }

  private static Tensor tensor(Value value) {
    return Tensor.of(value.shape(), numbers(value));
  }

  /**
   * A central difference is off by {@code h^2 / 6} times the third derivative, which is below 50
   * here, and by the rounding of two losses below 64 over {@code 2 h}: none in doubles, 18 terms of
   * 2^-24 in float32.
   */
  @ParameterizedTest
  @CsvSource({"reference, 0.0009765625, 1e-5", "sim, 0.03125, 1e-2"})
  void itsGradientIsThatOfFiniteDifferences(String device, float h, double tolerance) {
    Sketch sketch = new Sketch(IMAGES);
    try (Session session = Backends.open(device, 0).session()) {
      Executable executable = session.compile(sketch.program);
      sketch.given().forEach(value -> session.write(value, tensor(value)));
      executable.run();
      for (Value value : List.of(sketch.x, sketch.beta)) {
        Tensor gradient = executable.read(sketch.gradients.get(value));
        for (int i = 0; i < gradient.floats().length; i++) {
          float[] values = numbers(value);
          values[i] += h;
          double right = loss(session, executable, sketch, value, values);
          values[i] -= 2 * h;
          double left = loss(session, executable, sketch, value, values);
          assertEquals((right - left) / (2 * h), gradient.get(i), tolerance, value + " " + i);
        }
        session.write(value, tensor(value));
        executable.run();
      }
    }
  }

  private static double loss(
      Session session, Executable executable, Sketch sketch, Value value, float... values) {
    session.write(value, Tensor.of(value.shape(), values));
    session.write(sketch.sum, Tensor.of(Shape.scalar(), 0.0));
    executable.run();
    return session.readScalar(sketch.sum);
  }

  /** Two exponentials and sums of 12 terms: some tens of units in the last place of 4. */
  @ParameterizedTest
  @CsvSource({"0", "3"})
  void itsKernelsAgreeWithTheReferenceUnderTheChecker(int seed) {
    for (Shape shape : List.of(IMAGES, Shape.of(5, 3))) {
      Sketch sketch = new Sketch(shape);
      Simulator.get().seed(seed);
      try (Session oracle = Backends.open("reference", 0).session();
          Session session =
              SimulatedBackend.open(DeviceOptions.DEFAULT, new SessionOptions(true, true, true))) {
        Executable expected = oracle.compile(sketch.program);
        Executable got = session.compile(sketch.program);
        for (Value value : sketch.given()) {
          oracle.write(value, tensor(value));
          session.write(value, tensor(value));
        }
        expected.run();
        got.run();
        for (Value output : sketch.program.outputs()) {
          assertArrayEquals(
              expected.read(output).floats(), got.read(output).floats(), 2e-5f, output.name());
        }
      } finally {
        Simulator.get().seed(0);
      }
    }
  }

  @Test
  void itRunsOnMemoryOfTheCaller() {
    Program.Builder builder = new Program.Builder();
    Value x = builder.input("x", TensorType.float32(2, 1, 1, 2));
    Value beta = builder.parameter("beta", Shape.of(1));
    Value y = builder.add("y", swish(), x, beta);
    builder.output(y);
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaStream stream = context.createStream();
        CudaProgram program = CudaProgram.builder(context, builder.build()).checked().compile();
        DeviceBuffer memory = context.allocate(768)) {
      program.bind(x, memory.slice(0, 16));
      program.bind(beta, memory.slice(256, 4));
      program.bind(y, memory.slice(512, 16));
      memory.slice(0, 16).write(new float[] {0, 1, -1, 2});
      memory.slice(256, 4).write(new float[] {1});
      program.run(stream);
      assertArrayEquals(
          new float[] {0, 0.7310586f, -0.26894143f, 1.7615942f},
          memory.slice(512, 16).read(new float[4]),
          1e-6f);
    }
  }

  @Test
  void devicesWithoutItSaySo() {
    Sketch sketch = new Sketch(IMAGES);
    try (Session session = Backends.open("cpu", 1).session()) {
      String message =
          assertThrows(BackendException.class, () -> session.compile(sketch.program)).getMessage();
      assertTrue(message.contains("op swish is not supported"), message);
      assertTrue(message.contains("cuda and sim (CudaOp)"), message);
    }
    try (Session session = Backends.open("reference", 1).session()) {
      Value y = sketch.builder.add("z", new Doubling(SOURCE, "twice", 8), sketch.x);
      sketch.builder.output(y);
      String message =
          assertThrows(BackendException.class, () -> session.compile(sketch.builder.build()))
              .getMessage();
      assertTrue(message.contains("runs here if it is a HostOp"), message);
    }
  }

  private static final KernelCode SOURCE =
      KernelCode.of(
          KernelSource.of(
              "twice.cu",
              """
              extern "C" __global__ void twice(float* y, const float* x, int n) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n) y[i] = 2 * x[i];
              }
              """));

  /** y = 2 x, by whatever kernel. */
  private record Doubling(KernelCode kernels, String kernel, Object n) implements CudaOp {
    @Override
    public String name() {
      return "doubling";
    }

    @Override
    public List<TensorType> outputTypes(List<TensorType> inputs) {
      return inputs;
    }

    @Override
    public void launch(Launcher l) {
      l.launch(kernel, Dim.of(1), Dim.of(64), 0, l.output(0), l.input(0), n);
    }
  }

  private static float[] run(Op op, float... values) {
    Program.Builder builder = new Program.Builder();
    Value x = builder.input("x", TensorType.float32(values.length));
    Value y = builder.add("y", op, x);
    builder.output(y);
    try (Session session = Backends.open("sim", 0).session()) {
      Executable executable = session.compile(builder.build());
      session.write(x, Tensor.of(x.shape(), values));
      executable.run();
      return executable.read(y).floats();
    }
  }

  @Test
  void kernelsMayComeFromAnImage() {
    KernelCode image =
        KernelCode.of(
            KernelCompiler.of(CudaDriver.simulated().device(0))
                .compile(
                    KernelSource.of(
                        "thrice.cu",
                        """
                        extern "C" __global__ void thrice(float* y, const float* x, int n) {
                          if (threadIdx.x < n) y[threadIdx.x] = 3 * x[threadIdx.x];
                        }
                        """),
                    dev.gridstride.backend.cuda.CompileOptions.DEFAULT));
    assertArrayEquals(new float[] {3, 6}, run(new Doubling(image, "thrice", 2), 1, 2));
    assertArrayEquals(new float[] {2, 4}, run(new Doubling(SOURCE, "twice", 2), 1, 2));
  }

  private static void assertFails(Op op, String... expected) {
    String message = assertThrows(RuntimeException.class, () -> run(op, 1, 2)).getMessage();
    for (String part : expected) {
      assertTrue(message.contains(part), message);
    }
  }

  @Test
  void whatIsWrongWithAnOpIsNamed() {
    assertFails(
        new Doubling(
            KernelCode.of(
                KernelSource.of("wrong.cu", "extern \"C\" __global__ void twice() { no(); }")),
            "twice",
            2),
        "in y = Doubling",
        "wrong.cu does not compile",
        "no");
    assertFails(new Doubling(SOURCE, "thrice", 2), "no kernel thrice in twice.cu", "twice");
    assertFails(new Doubling(SOURCE, "twice", 2f), "twice: argument 3 (int n)", "got");
    assertFails(new Doubling(SOURCE, "twice", "2"), "must be a Place, Integer, Long");
  }
}
