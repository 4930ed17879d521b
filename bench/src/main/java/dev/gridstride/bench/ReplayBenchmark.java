package dev.gridstride.bench;

import dev.gridstride.backend.cuda.Simulator;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a replayed training step of the reference job costs the host on CUDA: the launch of its
 * graph through JCuda, and the bound on the queue. The simulated device stands in for the driver
 * and is told to run nothing, so the driver's own work is not in it. Run it with {@code -prof gc}
 * for the bytes allocated a step.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2) // The JIT settles within the first two seconds.
@Measurement(iterations = 5, time = 2)
@Fork(3) // Forks differ by where memory lands; their spread is part of the result.
public class ReplayBenchmark {
  private static final int STEPS = 100;

  private ReferenceJob job;

  /** For JMH. */
  public ReplayBenchmark() {}

  /** Records the step and the graph of many steps. */
  @Setup
  public void open() {
    job = new ReferenceJob("sim", 0, 64, "article");
    Simulator.get().set("empty_launches", "1");
    job.step().run(STEPS);
  }

  /** Closes the device. */
  @TearDown
  public void close() {
    job.close();
    Simulator.get().set("empty_launches", "0");
  }

  /** One step, one launch. */
  @Benchmark
  public void step() {
    job.step().run();
  }

  /** A hundred steps in one launch; the time is that of one step. */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public void stepsInOneLaunch() {
    job.step().run(STEPS);
  }
}
