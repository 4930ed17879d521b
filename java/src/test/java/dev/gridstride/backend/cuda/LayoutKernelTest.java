package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The transposes of {@code layout.cu} by themselves: ops use the one of 4 bytes only, and tiles
 * that they choose.
 */
class LayoutKernelTest {
  private static final List<Integer> WIDTHS = List.of(1, 2, 4, 8);

  /**
   * Matrices, and a tile of them.
   *
   * @param reason what is special about it
   */
  private record Problem(
      int batch, int rows, int columns, int tileRows, int tileColumns, String reason) {
    Dim grid() {
      int down = (rows + tileRows - 1) / tileRows;
      int across = (columns + tileColumns - 1) / tileColumns;
      return Dim.of((long) batch * down * across);
    }

    int elements() {
      return batch * rows * columns;
    }

    byte[] transposed(byte[] from, int width) {
      byte[] to = new byte[from.length];
      for (int n = 0; n < batch; n++) {
        for (int row = 0; row < rows; row++) {
          for (int column = 0; column < columns; column++) {
            int source = (n * rows + row) * columns + column;
            int target = (n * columns + column) * rows + row;
            System.arraycopy(from, source * width, to, target * width, width);
          }
        }
      }
      return to;
    }
  }

  private static final List<Problem> PROBLEMS =
      List.of(
          new Problem(1, 1, 1, 1, 1, "smallest"),
          new Problem(2, 32, 32, 32, 32, "a whole tile"),
          new Problem(2, 33, 31, 32, 32, "one above, one below a tile"),
          new Problem(3, 3, 700, 3, 341, "three rows and wide tiles"),
          new Problem(1, 700, 2, 512, 2, "the largest tile"),
          new Problem(5, 2, 40, 2, 512, "a tile above the matrix"));

  @TestFactory
  Stream<DynamicTest> everyWidthAndTile() {
    return Stream.of(false, true)
        .flatMap(
            checked ->
                WIDTHS.stream()
                    .flatMap(
                        width ->
                            PROBLEMS.stream()
                                .map(
                                    problem ->
                                        DynamicTest.dynamicTest(
                                            width
                                                + " bytes, "
                                                + problem.reason()
                                                + (checked ? ", checked" : ""),
                                            () -> check(problem, width, checked)))));
  }

  private static void check(Problem problem, int width, boolean checked) {
    Simulated.require();
    byte[] data = new byte[problem.elements() * width];
    new SplittableRandom(problem.hashCode()).nextBytes(data);
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaStream stream = context.createStream();
        CudaModule module = KernelImages.load(context, "layout", checked);
        DeviceBuffer from = context.allocate(data.length, "from");
        DeviceBuffer to = context.allocate(data.length, "to")) {
      from.write(data);
      module
          .kernel("transpose_b" + 8 * width)
          .launch(
              stream,
              problem.grid(),
              Dim.of(256),
              0,
              to,
              from,
              problem.rows(),
              problem.columns(),
              problem.tileRows(),
              problem.tileColumns());
      stream.synchronize();
      assertArrayEquals(problem.transposed(data, width), to.read(new byte[data.length]));
    }
  }
}
