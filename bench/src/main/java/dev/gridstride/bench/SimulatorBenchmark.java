package dev.gridstride.bench;

import dev.gridstride.backend.cuda.CompileOptions;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaModule;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.KernelCompiler;
import dev.gridstride.backend.cuda.KernelImages;
import dev.gridstride.backend.cuda.KernelSource;
import dev.gridstride.backend.cuda.PreparedLaunch;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the simulated device costs, on one core: a launch from Java that is waited for, and a matrix
 * product. The times say how long tests take, nothing about a card.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2) // The JIT settles within the first two seconds.
@Measurement(iterations = 5, time = 2)
@Fork(3) // Forks differ by where memory lands; their spread is part of the result.
public class SimulatorBenchmark {
  private static final String EMPTY =
      """
      extern "C" __global__ void empty() {}
      extern "C" __global__ void six(float*, const float*, const float*, int, int, float) {}
      """;
  private static final int SIZE = 128;

  /** Whether the checker watches. */
  @Param({"false", "true"})
  public boolean checked;

  private CudaContext context;
  private CudaStream stream;
  private PreparedLaunch oneThread;
  private PreparedLaunch block;
  private PreparedLaunch sixParameters;
  private PreparedLaunch sgemm;

  /** For JMH. */
  public SimulatorBenchmark() {}

  /** Opens the device, compiles the kernels and verifies the product. */
  @Setup
  public void open() {
    context = CudaDriver.simulated().device(0).createContext();
    stream = context.createStream();
    CompileOptions options = checked ? CompileOptions.CHECKED : CompileOptions.DEFAULT;
    CudaModule empty =
        context.load(
            KernelCompiler.of(context.device())
                .compile(KernelSource.of("empty.cu", EMPTY), options));
    DeviceBuffer a = filled(1);
    DeviceBuffer b = filled(2);
    DeviceBuffer y = filled(0);
    oneThread = empty.kernel("empty").prepare(Dim.of(1), Dim.of(1), 0);
    block = empty.kernel("empty").prepare(Dim.of(1), Dim.of(256), 0);
    sixParameters = empty.kernel("six").prepare(Dim.of(1), Dim.of(1), 0, y, a, b, 1, 2, 3f);
    sgemm =
        KernelImages.load(context, "matmul", checked)
            .kernel("matmul_64x64_f32")
            .prepare(
                Dim.of(SIZE / 64, SIZE / 64),
                Dim.of(128),
                0,
                y,
                DeviceBuffer.NULL, // no sums of rows
                a,
                b,
                DeviceBuffer.NULL, // no bias
                SIZE,
                SIZE,
                SIZE,
                SIZE, // k in one piece
                0L,
                0, // neither transposed
                0,
                0); // no ReLU
    sgemm();
    for (float value : y.read(new float[SIZE * SIZE])) {
      if (value != 2 * SIZE) {
        throw new IllegalStateException("the product is wrong: " + value);
      }
    }
  }

  private DeviceBuffer filled(float value) {
    float[] values = new float[SIZE * SIZE];
    Arrays.fill(values, value);
    DeviceBuffer buffer = context.allocate((long) values.length * Float.BYTES);
    buffer.write(values);
    return buffer;
  }

  /** Closes the device. */
  @TearDown
  public void close() {
    context.close();
  }

  /** A block of one thread that does nothing. */
  @Benchmark
  public void emptyLaunch() {
    oneThread.launch(stream);
    stream.synchronize();
  }

  /** A block of 256 threads that do nothing. */
  @Benchmark
  public void emptyLaunchOf256Threads() {
    block.launch(stream);
    stream.synchronize();
  }

  /** One thread with six parameters. */
  @Benchmark
  public void launchWithSixParameters() {
    sixParameters.launch(stream);
    stream.synchronize();
  }

  /** A product of two 128x128 matrices: 4.2 MFLOP. */
  @Benchmark
  public void sgemm() {
    sgemm.launch(stream);
    stream.synchronize();
  }
}
