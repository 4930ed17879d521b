package dev.gridstride.bench;

import dev.gridstride.program.Program;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.op.Relu;
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
 * What a run costs the CPU that computes next to nothing: the call, one oneDNN primitive on two
 * numbers, and with two threads handing a part to the other worker and waiting for it. A step pays
 * the call once and the handing over once a stage. What a run costs the host on CUDA, {@link
 * ReplayBenchmark} says.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime) // A single call is too short for the clock.
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1) // The JIT settles within the first second.
@Measurement(iterations = 5, time = 1)
@Fork(3) // Forks differ by what the JIT inlines; their spread is part of the result.
public class CallBenchmark {
  /** Worker threads. */
  @Param({"1", "2"})
  public int threads;

  private VerifiedProgram program;

  /** For JMH. */
  public CallBenchmark() {}

  /** Compiles a ReLU of a number a worker. */
  @Setup
  public void open() {
    Program.Builder builder = new Program.Builder();
    builder.output(builder.add("y", new Relu(), builder.input("x", TensorType.float32(2, 1))));
    program = new VerifiedProgram(builder.build(), "cpu", threads);
  }

  /** Closes the device. */
  @TearDown
  public void close() {
    program.close();
  }

  /** One run. */
  @Benchmark
  public void run() {
    program.run();
  }
}
