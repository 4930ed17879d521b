package dev.gridstride.bench;

import dev.gridstride.program.Op;
import dev.gridstride.program.Padding2d;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Size2d;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Conv2d;
import dev.gridstride.program.op.Conv2dBackwardData;
import dev.gridstride.program.op.Conv2dBackwardWeights;
import dev.gridstride.program.op.Dense;
import dev.gridstride.program.op.DenseBackwardData;
import dev.gridstride.program.op.DenseBackwardWeights;
import dev.gridstride.program.op.MaxPool2d;
import dev.gridstride.program.op.Pool2d;
import java.util.ArrayList;
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
 * The costly ops of the reference job on the CPU, each as a program of its own from call to return:
 * oneDNN's primitive, the reorders into and out of its layout where a program of one op needs them,
 * and handing the parts to the workers. Caches are as the run before has left them.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime) // A run is long enough for the mean of many to be exact.
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1) // Little of it is Java: the JIT settles within the first second.
@Measurement(iterations = 5, time = 1)
@Fork(3) // Forks differ by where memory lands; their spread is part of the result.
public class OneDnnBenchmark {
  private static final int BATCH = 64;

  /** A layer of the reference job and its direction. */
  @Param({
    "conv1",
    "conv2",
    "conv2_backward_data",
    "conv2_backward_weights",
    "pool1",
    "dense1",
    "dense1_backward_data",
    "dense1_backward_weights"
  })
  public String op;

  /** Worker threads; 0 means one for each processor. */
  @Param("0")
  public int threads;

  private VerifiedProgram program;

  /** For JMH. */
  public OneDnnBenchmark() {}

  /** Compiles the op and compares a run with the reference. */
  @Setup
  public void open() {
    program = new VerifiedProgram(program(op), "cpu", threads);
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

  private static Program program(String name) {
    TensorType image2 = TensorType.float32(BATCH, 32, 15, 15);
    TensorType gradient2 = TensorType.float32(BATCH, 64, 13, 13);
    Shape weight2 = Shape.of(64, 32, 3, 3);
    TensorType flat = TensorType.float32(BATCH, 2304);
    TensorType hidden = TensorType.float32(BATCH, 128);
    Shape dense = Shape.of(128, 2304);
    Conv2d conv = Conv2d.PLAIN;
    Conv2d relu = new Conv2d(conv.stride(), conv.padding(), conv.dilation(), conv.groups(), true);
    return switch (name) {
      case "conv1" ->
          node(
              relu,
              List.of(TensorType.float32(BATCH, 3, 32, 32)),
              List.of(Shape.of(32, 3, 3, 3), Shape.of(32)));
      case "conv2" -> node(relu, List.of(image2), List.of(weight2, Shape.of(64)));
      case "conv2_backward_data" ->
          node(new Conv2dBackwardData(conv, image2.shape()), List.of(gradient2), List.of(weight2));
      case "conv2_backward_weights" ->
          node(
              new Conv2dBackwardWeights(conv, weight2, true),
              List.of(image2, gradient2),
              List.of());
      case "pool1" ->
          node(
              new MaxPool2d(new Pool2d(Size2d.of(2), Size2d.of(2), Padding2d.NONE)),
              List.of(TensorType.float32(BATCH, 32, 30, 30)),
              List.of());
      case "dense1" -> node(new Dense(true), List.of(flat), List.of(dense, Shape.of(128)));
      case "dense1_backward_data" ->
          node(new DenseBackwardData(flat.shape()), List.of(hidden), List.of(dense));
      case "dense1_backward_weights" ->
          node(new DenseBackwardWeights(true), List.of(flat, hidden), List.of());
      default -> throw new IllegalArgumentException("unknown op " + name);
    };
  }

  /** A program of one node, whose first output it keeps. */
  private static Program node(Op op, List<TensorType> batches, List<Shape> parameters) {
    Program.Builder builder = new Program.Builder();
    List<Value> inputs = new ArrayList<>();
    batches.forEach(type -> inputs.add(builder.input("in" + inputs.size(), type)));
    parameters.forEach(shape -> inputs.add(builder.parameter("weight" + inputs.size(), shape)));
    builder.output(builder.addAll("out", op, inputs).get(0));
    return builder.build();
  }
}
