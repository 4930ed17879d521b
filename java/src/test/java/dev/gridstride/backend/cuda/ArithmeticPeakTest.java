package dev.gridstride.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Precision;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against NVIDIA's data sheets: dense TFLOP/s at the boost clock that each states. */
class ArithmeticPeakTest {
  @ParameterizedTest
  @CsvSource({
    "Tesla T4, 7.5, 40, 1590, 8.1, 0, 0",
    "NVIDIA A100-SXM4-80GB, 8.0, 108, 1410, 19.5, 156, 312",
    "NVIDIA A10, 8.6, 72, 1695, 31.2, 62.5, 125",
    "NVIDIA GeForce RTX 3090, 8.6, 82, 1695, 35.6, 35.6, 71",
    "NVIDIA L40S, 8.9, 142, 2520, 91.6, 183, 366",
    "NVIDIA GeForce RTX 4090, 8.9, 128, 2520, 82.6, 82.6, 165.2",
    "NVIDIA H100 80GB HBM3, 9.0, 132, 1830, 61.8, 494.7, 989.4",
    "NVIDIA GeForce RTX 5090, 12.0, 170, 2407, 104.8, 104.8, 209.5",
  })
  void peaksAreThoseOfTheDataSheets(
      String name,
      String capability,
      int processors,
      int mhz,
      double f32,
      double tf32,
      double b16) {
    Map<Precision, Double> flops =
        ArithmeticPeak.flops(name, ComputeCapability.parse(capability), processors, mhz * 1e6);
    check(f32, flops.get(Precision.FLOAT32));
    check(tf32, flops.getOrDefault(Precision.TF32, 0.0));
    check(b16, flops.getOrDefault(Precision.BF16, 0.0));
  }

  private static void check(double teraflops, double flops) {
    assertEquals(teraflops, flops / 1e12, 0.01 * teraflops);
  }

  @Test
  void ofANewGenerationNothingIsKnown() {
    ComputeCapability later = new ComputeCapability(13, 0);
    assertTrue(ArithmeticPeak.flops("NVIDIA X100", later, 200, 2e9).isEmpty());
    assertEquals("not known of compute capability 13.0", ArithmeticPeak.source(later, 200, 2e9));
  }
}
