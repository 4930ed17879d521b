package dev.gridstride.bench;

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
 * A training step of the reference job from call to return: fetch, forward, backward, Adam,
 * counters. Run it with {@code -prof gc} for the bytes allocated a step.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2) // The JIT settles within the first two seconds.
@Measurement(iterations = 5, time = 2)
@Fork(3) // Forks differ by where memory lands; their spread is part of the result.
public class StepBenchmark {
  /** Device by name. */
  @Param("cpu")
  public String device;

  /** Worker threads; 0 means one for each processor. */
  @Param("0")
  public int threads;

  /** Images a step. */
  @Param("64")
  public int batch;

  /** Recipe by name. */
  @Param({"article", "tuned"})
  public String recipe;

  private ReferenceJob job;

  /** For JMH. */
  public StepBenchmark() {}

  /** Compiles the step. */
  @Setup
  public void open() {
    job = new ReferenceJob(device, threads, batch, recipe);
  }

  /** Closes the device. */
  @TearDown
  public void close() {
    job.close();
  }

  /** One step. */
  @Benchmark
  public void step() {
    job.step().run();
  }
}
