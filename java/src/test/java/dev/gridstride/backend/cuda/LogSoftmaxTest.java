package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The log-softmax kernels, which no op reaches, launched on the simulated device. */
class LogSoftmaxTest {
  private static final int THREADS = 256;
  private static final int WARP = 32;

  private static CudaContext context;
  private static CudaStream stream;

  @BeforeAll
  static void open() {
    String reason = Simulator.unavailableReason();
    assumeTrue(reason == null, "no simulated device: " + reason);
    context = CudaDriver.simulated().device(0).createContext();
    stream = context.createStream();
  }

  @AfterAll
  static void close() {
    if (context != null) {
      Simulator.get().seed(0);
      stream.close();
      context.close();
    }
  }

  /** Logits of one shape. */
  private record Problem(int rows, int classes, double scale, String reason) {
    boolean isLong() {
      return classes > THREADS;
    }

    Dim block() {
      return isLong() ? Dim.of(THREADS) : Dim.of(lanes(), THREADS / lanes());
    }

    Dim grid() {
      return isLong() ? Dim.of(rows) : Dim.blocks(rows, THREADS / lanes());
    }

    int lanes() {
      int lanes = 1;
      while (lanes < classes && lanes < WARP) {
        lanes *= 2;
      }
      return lanes;
    }

    float[] reals(long seed, double size) {
      SplittableRandom random = new SplittableRandom(seed);
      float[] values = new float[rows * classes];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble(-size, size);
      }
      return values;
    }
  }

  static Stream<Problem> problems() {
    return Stream.of(
        new Problem(1, 1, 1, "a single class has log-probability 0"),
        new Problem(64, 10, 5, "reference CNN"),
        new Problem(9, 31, 1, "one class below a warp"),
        new Problem(9, 32, 1, "a warp a row, one row above a block of 8"),
        new Problem(3, 33, 1000, "one class above; exp would overflow"),
        new Problem(2, 256, 1, "longest row of a warp"),
        new Problem(2, 257, 1, "shortest row of a block, not in vectors of 4"),
        new Problem(2, 1023, 1, "one class below a vector for each thread"),
        new Problem(2, 1024, 1000, "a vector for each thread; probabilities underflow to 0"),
        new Problem(2, 1025, 1, "one class above"));
  }

  @ParameterizedTest
  @MethodSource("problems")
  void agreesWithPlainLoops(Problem problem) {
    float[] x = problem.reals(1, problem.scale());
    float[] dy = problem.reals(2, 1);
    double[] y = logSoftmax(problem, x);
    double[] dx = gradient(problem, dy, y);
    for (boolean checked : new boolean[] {false, true}) {
      for (long seed = 0; seed < 3; seed++) {
        Simulator.get().seed(seed);
        float[] gotY = run(problem, "log_softmax_forward", checked, x);
        assertClose(problem, y, gotY, "y, checked " + checked + ", seed " + seed);
        float[] gotDx = run(problem, "log_softmax_backward", checked, dy, gotY);
        assertClose(problem, dx, gotDx, "dx, checked " + checked + ", seed " + seed);
      }
    }
  }

  @Test
  void maskedClassesAndNaN() {
    float none = Float.NEGATIVE_INFINITY;
    Problem problem = new Problem(3, 4, 1, "a masked class, a NaN, nothing but masked classes");
    float[] x = {none, 1, 1, none, 0, Float.NaN, 1, 2, none, none, none, none};
    float[] y = run(problem, "log_softmax_forward", true, x);
    float half = (float) -Math.log(2);
    assertEquals(none, y[0]);
    assertEquals(half, y[1], 1e-7f);
    assertEquals(half, y[2], 1e-7f);
    assertEquals(none, y[3]);
    for (int i = 4; i < 12; i++) {
      assertTrue(Float.isNaN(y[i]), "element " + i + " must be NaN, got " + y[i]);
    }
  }

  private static double[] logSoftmax(Problem problem, float[] x) {
    double[] y = new double[x.length];
    for (int n = 0; n < problem.rows(); n++) {
      int from = n * problem.classes();
      int to = from + problem.classes();
      double max = Double.NEGATIVE_INFINITY;
      double sum = 0;
      for (int i = from; i < to; i++) {
        max = Math.max(max, x[i]);
      }
      for (int i = from; i < to; i++) {
        sum += Math.exp(x[i] - max);
      }
      for (int i = from; i < to; i++) {
        y[i] = x[i] - max - Math.log(sum);
      }
    }
    return y;
  }

  private static double[] gradient(Problem problem, float[] dy, double[] y) {
    double[] dx = new double[dy.length];
    for (int n = 0; n < problem.rows(); n++) {
      int from = n * problem.classes();
      int to = from + problem.classes();
      double sum = 0;
      for (int i = from; i < to; i++) {
        sum += dy[i];
      }
      for (int i = from; i < to; i++) {
        dx[i] = dy[i] - Math.exp(y[i]) * sum;
      }
    }
    return dx;
  }

  /** Launches a kernel of one output and these inputs, all [rows, classes]. */
  private static float[] run(Problem problem, String kernel, boolean checked, float[]... inputs) {
    int elements = problem.rows() * problem.classes();
    String name = kernel + (problem.isLong() ? "_long_f32" : "_f32");
    long bytes = (long) elements * Float.BYTES;
    List<Object> arguments = new ArrayList<>();
    try (CudaModule module = KernelImages.load(context, "softmax", checked);
        DeviceBuffer output = context.allocate(bytes);
        DeviceBuffer first = context.allocate(bytes);
        DeviceBuffer second = context.allocate(bytes)) {
      arguments.add(output);
      for (float[] input : inputs) {
        DeviceBuffer buffer = arguments.size() == 1 ? first : second;
        buffer.write(input);
        arguments.add(buffer);
      }
      arguments.addAll(List.of((long) problem.rows(), problem.classes()));
      module.kernel(name).launch(stream, problem.grid(), problem.block(), 0, arguments.toArray());
      stream.synchronize();
      return output.read(new float[elements]);
    }
  }

  /** 8 units of half the last place, times the root of the row's length, of the largest element. */
  private static void assertClose(Problem problem, double[] expected, float[] got, String what) {
    double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
    double bound = 8 * 0x1p-24 * Math.sqrt(problem.classes()) * Math.max(1, largest);
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(expected[i] - got[i]);
      assertTrue(
          difference <= bound,
          what + "[" + i + "] of " + problem + ": expected " + expected[i] + ", got " + got[i]);
    }
  }
}
