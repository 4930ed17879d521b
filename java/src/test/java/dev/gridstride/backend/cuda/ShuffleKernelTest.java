package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gridstride.program.Permutation;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code shuffle_i32}, which no op needs: the order of an epoch as the data pipeline sees it. */
class ShuffleKernelTest {
  /** Sizes round powers of four, where the permutation's network grows, and round a block. */
  @ParameterizedTest
  @CsvSource({
    "1, 0, 0, false",
    "2, 5, 1, false",
    "5, -1, 3, true",
    "16, 7, 0, false",
    "17, 7, 8589934592, false",
    "256, 1099511627776, 2, true",
    "257, 3, 2, false",
    "1025, 3, 2, true"
  })
  void isThePermutation(int count, long seed, long epoch, boolean checked) {
    Simulated.require();
    try (CudaContext context = CudaDriver.simulated().device(0).createContext();
        CudaStream stream = context.createStream();
        CudaModule module = KernelImages.load(context, "fetch_batch", checked);
        DeviceBuffer order = context.allocate(4L * count, "order")) {
      module
          .kernel("shuffle_i32")
          .launch(stream, Dim.of((count + 255) / 256), Dim.of(256), 0, order, count, seed, epoch);
      stream.synchronize();
      int[] expected =
          IntStream.range(0, count).map(i -> Permutation.at(seed, epoch, count, i)).toArray();
      assertArrayEquals(expected, order.read(new int[count]));
    }
  }
}
