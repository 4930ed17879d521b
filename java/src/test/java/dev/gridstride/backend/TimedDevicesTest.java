package dev.gridstride.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.Relu;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Timing where a run has finished when its call returns. */
class TimedDevicesTest {
  private static final int SAMPLES = 30;
  private static final TimingOptions COLD =
      TimingOptions.COLD
          .withNoise(0)
          .withSamples(SAMPLES, SAMPLES)
          .withWarmUp(Duration.ofMillis(20))
          .withLimit(Duration.ofMinutes(1));
  private static final TimingOptions WARM = COLD.withCache(TimingOptions.Cache.WARM);

  private static Session open(String device) {
    return Backends.open(device, 1).session();
  }

  private static Program program(Program.Builder b, Value count) {
    b.update(new Increment(1), List.of(count), List.of(count));
    b.output(b.add("y", new Relu(), b.input("x", TensorType.float32(64, 1024))));
    return b.build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "reference"})
  void runsCountAndCachesAreColdWhenAskedFor(String device) {
    Program.Builder b = new Program.Builder();
    Value count = b.state("count", TensorType.scalar(DataType.INT64));
    try (Session session = open(device);
        Executable executable = session.compile(program(b, count))) {
      Timing warm = executable.time(WARM);
      double before = session.readScalar(count);
      assertTrue(before >= 1 + SAMPLES * warm.runsPerSample(), "runs: " + before);
      Timing cold = executable.time(COLD);
      assertTrue(session.readScalar(count) >= before + 1 + SAMPLES);
      assertEquals(SAMPLES, cold.samples());
      assertTrue(Double.isNaN(cold.hostNanos()), "there is no time of the host apart");
      assertTrue(warm.median() > 0);
      if (device.equals("cpu")) {
        // Of the shortest, which no other work on the machine has disturbed.
        assertTrue(cold.quantile(0) > 1.2 * warm.quantile(0), cold + " against " + warm);
      }
    }
  }

  @Test
  void theProcessorIsTriedAndNothingStays() {
    try (Session session = open("cpu")) {
      MemoryUse before = session.memoryUse();
      Rates rates = session.rates();
      // The slowest memory there is and the fastest processor: a factor of a thousand is a mistake.
      assertTrue(rates.copyBytesPerSecond() > 1e8 && rates.copyBytesPerSecond() < 1e13);
      double peak = rates.peakFlops(Precision.FLOAT32);
      assertTrue(peak > 1e8 && peak < 1e14, rates.toString());
      assertTrue(Double.isNaN(rates.peakFlops(Precision.BF16)));
      assertEquals(before, session.memoryUse());
    }
  }

  @Test
  void ofTheReferenceNothingIsKnown() {
    try (Session session = open("reference")) {
      assertEquals(
          "copy rate (not measured on this device); peak (not known of this device)",
          session.rates().toString());
    }
  }
}
