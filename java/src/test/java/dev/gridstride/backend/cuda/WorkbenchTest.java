package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The teaching versions in {@code kernels/workbench} compile and are right. */
class WorkbenchTest {
  private static final Path FOLDER = Path.of("..", "kernels", "workbench");

  private record Version(String name, Dim tile) {}

  private static final List<Version> VERSIONS =
      List.of(
          new Version("matmul_naive", Dim.of(32, 8)),
          new Version("matmul_shared_tile", Dim.of(32, 32)));

  @TestFactory
  Stream<DynamicTest> matrixProducts() {
    return VERSIONS.stream()
        .map(version -> DynamicTest.dynamicTest(version.name, () -> check(version)));
  }

  private static void check(Version version) {
    Simulated.requireCompiler();
    try (CudaContext context = Simulated.open();
        CudaModule module =
            context.compile(FOLDER.resolve(version.name + ".cu"), CompileOptions.CHECKED)) {
      CudaKernel kernel = module.kernel(version.name + "_f32");
      check(context, kernel, version.tile, 1, 1, 1);
      check(context, kernel, version.tile, 32, 32, 32);
      check(context, kernel, version.tile, 33, 31, 65);
    }
  }

  private static void check(CudaContext context, CudaKernel kernel, Dim tile, int m, int n, int k) {
    SplittableRandom random = new SplittableRandom(m);
    float[] a = integers(random, m * k);
    float[] b = integers(random, k * n);
    float[] expected = new float[m * n];
    for (int row = 0; row < m; row++) {
      for (int col = 0; col < n; col++) {
        for (int i = 0; i < k; i++) {
          expected[row * n + col] += a[row * k + i] * b[i * n + col];
        }
      }
    }
    try (CudaStream stream = context.createStream();
        DeviceBuffer da = context.allocate(a.length * 4L);
        DeviceBuffer db = context.allocate(b.length * 4L);
        DeviceBuffer dc = context.allocate(expected.length * 4L)) {
      da.write(a);
      db.write(b);
      Dim grid = Dim.of(Dim.ceilDiv(n, tile.x()), Dim.ceilDiv(m, tile.y()));
      kernel.launch(stream, grid, tile, 0, dc, da, db, m, n, k);
      stream.synchronize();
      assertArrayEquals(expected, dc.read(new float[expected.length]));
    }
  }

  private static float[] integers(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextInt(-2, 3);
    }
    return values;
  }
}
