package dev.gridstride.bench;

import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Augmentation;
import dev.gridstride.program.op.FetchBatch;
import dev.gridstride.program.op.Increment;
import java.util.List;
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
 * Fetching a batch on the CPU, from call to return: drawing the order, gathering bytes of images of
 * CIFAR-10's shape, augmenting them and making floats of them. The data are larger than the caches,
 * and each run fetches other rows.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime) // Runs differ only by the rows that they fetch.
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1) // The loops are hot: the JIT settles within the first second.
@Measurement(iterations = 5, time = 1)
@Fork(3) // Forks differ by how the JIT compiles the loops; their spread is part of the result.
public class FetchBenchmark {
  private static final int SAMPLES = 50_000;

  /** {@code none} scales bytes alone; {@code tuned} also normalises, flips and shifts. */
  @Param({"none", "tuned"})
  public String augmentation;

  /** Images a batch. */
  @Param("64")
  public int batch;

  /** Worker threads; 0 means one for each processor. */
  @Param("0")
  public int threads;

  private VerifiedProgram program;

  /** For JMH. */
  public FetchBenchmark() {}

  /** Draws the data, compiles the fetch and compares a batch with the reference. */
  @Setup
  public void open() {
    Augmentation chosen =
        augmentation.equals("none")
            ? Augmentation.NONE
            : new Augmentation(
                List.of(0.49f, 0.48f, 0.45f),
                List.of(0.25f, 0.24f, 0.26f),
                Augmentation.Flip.ALTERNATING,
                2,
                0);
    Program.Builder builder = new Program.Builder();
    Value samples =
        builder.data("samples", new TensorType(DataType.UINT8, Shape.of(SAMPLES, 3, 32, 32)));
    Value labels = builder.data("labels", new TensorType(DataType.INT32, Shape.of(SAMPLES)));
    Value cursor = builder.state("cursor", TensorType.scalar(DataType.INT64));
    FetchBatch fetch = new FetchBatch(batch, true, 1, chosen);
    builder.output(builder.addAll("batch", fetch, List.of(samples, labels, cursor)).get(0));
    builder.update(new Increment(batch), List.of(cursor), List.of(cursor));
    program = new VerifiedProgram(builder.build(), "cpu", threads);
  }

  /** Closes the device. */
  @TearDown
  public void close() {
    program.close();
  }

  /** The next batch. */
  @Benchmark
  public void fetch() {
    program.run();
  }
}
