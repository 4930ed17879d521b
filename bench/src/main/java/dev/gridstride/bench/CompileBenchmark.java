package dev.gridstride.bench;

import dev.gridstride.backend.Executable;
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
 * Making the training step of the reference job ready to run in an open session, and closing it:
 * layers to a program, gradients, fusing, memory plan, then on {@code cpu} oneDNN's primitives, on
 * {@code sim} the kernels' launches and the recording of the graph, with the simulated device as
 * the driver. Weights and kernel images are there already, and the JIT is warm: the first compile
 * of a process takes longer, which the training benchmark's time to the first step shows.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime) // Each compile is the same work.
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 2) // Much code runs once a compile: the JIT takes its time.
@Measurement(iterations = 5, time = 2)
@Fork(3) // Forks differ by what the JIT inlines; their spread is part of the result.
public class CompileBenchmark {
  /** Device by name. */
  @Param({"cpu", "sim"})
  public String device;

  /** Recipe by name. */
  @Param({"article", "tuned"})
  public String recipe;

  private ReferenceJob job;

  /** For JMH. */
  public CompileBenchmark() {}

  /** Opens the device and compiles once. */
  @Setup
  public void open() {
    job = new ReferenceJob(device, 0, 64, recipe);
  }

  /** Closes the device. */
  @TearDown
  public void close() {
    job.close();
  }

  /** One compile. */
  @Benchmark
  public long compile() {
    try (Executable compiled = job.compile()) {
      return compiled.plannedBytes();
    }
  }
}
