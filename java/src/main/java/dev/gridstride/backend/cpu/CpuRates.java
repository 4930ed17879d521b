package dev.gridstride.backend.cpu;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.HostTimer;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Rates;
import dev.gridstride.backend.Timing;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Dense;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;

/**
 * What the processor can do at best with so many threads, both by trial: memory by copying, and
 * arithmetic by a product so large that oneDNN comes near the peak of the multiply-add units.
 */
final class CpuRates {
  private static final int SIZE = 1024;
  private static final int CACHES = 4;
  private static final long LEAST_BYTES = 64L << 20;
  private static final TimingOptions OPTIONS =
      TimingOptions.WARM.withSamples(5, 50).withLimit(Duration.ofMillis(300));

  private CpuRates() {}

  static Rates of(OneDnn oneDnn, WorkerTeam team) {
    long all = Math.max(LEAST_BYTES, CACHES * Caches.bytes(team.size()));
    long bytes = (all / team.size()) & -NativeMemory.ALIGNMENT;
    Timing copy = copy(team, bytes);
    Timing product = product(oneDnn, team.size());
    return new Rates(
        2e9 * bytes * team.size() / copy.median(),
        String.format(
            Locale.ROOT,
            "bytes read and written by copying %,d MiB with %d threads, median of %d",
            (bytes * team.size()) >> 20,
            team.size(),
            copy.samples()),
        Map.of(Precision.FLOAT32, 2e9 * SIZE * SIZE * SIZE / product.quantile(0)),
        String.format(
            Locale.ROOT,
            "measured: oneDNN's product of two %dx%d matrices with %d threads, the best of %d;"
                + " other work may come a little above it",
            SIZE,
            SIZE,
            team.size(),
            product.samples()));
  }

  private static Timing copy(WorkerTeam team, long bytes) {
    NativeMemory[] memories = new NativeMemory[2 * team.size()];
    try {
      for (int i = 0; i < memories.length; i++) {
        memories[i] = NativeMemory.allocate(bytes, "measuring the copy rate");
      }
      Pointer[] pointers =
          Arrays.stream(memories).map(memory -> memory.at(0, bytes)).toArray(Pointer[]::new);
      return HostTimer.time(
          OPTIONS,
          () ->
              team.drive(
                  () ->
                      team.runAll(
                          part ->
                              Pointer.memcpy(pointers[2 * part], pointers[2 * part + 1], bytes))),
          () -> {},
          "");
    } finally {
      Arrays.stream(memories).filter(memory -> memory != null).forEach(NativeMemory::close);
    }
  }

  private static Timing product(OneDnn oneDnn, int threads) {
    Program.Builder builder = new Program.Builder();
    Value x = builder.input("x", TensorType.float32(SIZE, SIZE));
    Value weight = builder.parameter("weight", Shape.of(SIZE, SIZE));
    builder.output(builder.add("y", new Dense(false), x, weight));
    // A session of its own, so that nothing of it stays.
    try (CpuSession session = new CpuSession(oneDnn, threads);
        Executable executable = session.compile(builder.build())) {
      float[] ones = new float[SIZE * SIZE];
      Arrays.fill(ones, 1);
      session.write(x, Tensor.of(Shape.of(SIZE, SIZE), ones));
      session.write(weight, Tensor.of(Shape.of(SIZE, SIZE), ones));
      return executable.time(OPTIONS);
    }
  }
}
