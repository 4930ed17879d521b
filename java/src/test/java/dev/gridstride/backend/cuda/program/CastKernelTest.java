package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.program.Bfloat16;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernels of {@code cast.cu}, bit by bit. */
class CastKernelTest {
  private static final int[] SPECIAL = {
    0x00000000,
    0x80000000,
    0x7f800000,
    0xff800000, // zeros and infinities
    0x7f800001,
    0xffc00001, // NaN: of a mantissa that rounding would lose, and quiet
    0x3f808000,
    0x3f818000,
    0x3f808001,
    0x3f807fff, // ties to even, just above and below one
    0x7f7fffff,
    0x00000001,
    0x00008000,
    0x00018000 // largest: to infinity; denormals
  };

  /** Counts round the eight elements of a thread and the 2048 of a block; starts off alignment. */
  @ParameterizedTest
  @CsvSource({"1, 0", "8, 0", "13, 0", "16, 1", "2048, 0", "2056, 0", "2049, 0", "4099, 3"})
  void areTheNearest(int count, int shift) {
    SplittableRandom random = new SplittableRandom(count);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = Float.intBitsToFloat(i < SPECIAL.length ? SPECIAL[i] : random.nextInt());
    }
    for (DirectRun.Way way : DirectRun.WAYS) {
      try (DirectRun run = new DirectRun(way)) {
        Place from = run.floats("from", shift, values);
        Place half = run.unset("bfloat16", 2L * shift, 2L * count);
        Place back = run.unset("back", 4L * shift, 4L * count);
        run.run(
            e -> {
              CastLaunches.toBfloat16(e, half, from, count);
              CastLaunches.toFloat32(e, back, half, count);
            });
        float[] halves = run.bfloat16s(half);
        float[] backs = run.floats(back);
        for (int i = 0; i < count; i++) {
          int expected = Float.floatToRawIntBits(Bfloat16.round(values[i]));
          String what = way + ", element " + i + ", " + values[i];
          assertEquals(expected, Float.floatToRawIntBits(halves[i]), what);
          assertEquals(expected, Float.floatToRawIntBits(backs[i]), what);
        }
      }
    }
  }
}
