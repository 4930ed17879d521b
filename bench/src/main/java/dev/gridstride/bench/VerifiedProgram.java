package dev.gridstride.bench;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A program on a device, whose first run has given what the reference gives. */
final class VerifiedProgram implements AutoCloseable {
  /** Of the largest element: sums of float32 in another order differ by less. */
  private static final double TOLERANCE = 1e-4;

  private final Session session;
  private final Executable executable;

  /**
   * Compiles the program, fills what it reads from a seed, and compares a run.
   *
   * @throws IllegalStateException if the device gives other results than the reference
   */
  VerifiedProgram(Program program, String device, int threads) {
    List<Tensor> expected = new ArrayList<>();
    try (Session reference = Backends.open("reference", 1).session();
        Executable oracle = reference.compile(program)) {
      fill(program, reference);
      oracle.run();
      program.outputs().forEach(output -> expected.add(oracle.read(output)));
    }
    session = Backends.open(device, threads).session();
    executable = session.compile(program);
    fill(program, session);
    executable.run();
    for (int i = 0; i < expected.size(); i++) {
      Value output = program.outputs().get(i);
      compare(output, expected.get(i), executable.read(output));
    }
  }

  private static void fill(Program program, Session session) {
    Random random = new Random(1);
    for (Value value : program.values()) {
      if (value.role().persistent()) {
        session.write(value, tensor(value.type(), random));
      }
    }
  }

  /** Bytes, labels of ten classes, zero as a counter, or normal deviates. */
  private static Tensor tensor(TensorType type, Random random) {
    Tensor tensor = Tensor.zeros(type);
    if (type.dtype() == DataType.UINT8) {
      random.nextBytes(tensor.bytes());
    } else if (type.dtype() == DataType.INT32) {
      Arrays.setAll(tensor.ints(), i -> random.nextInt(10));
    } else if (type.dtype() == DataType.FLOAT32) {
      for (int i = 0; i < tensor.floats().length; i++) {
        tensor.floats()[i] = (float) random.nextGaussian();
      }
    }
    return tensor;
  }

  private static void compare(Value output, Tensor expected, Tensor got) {
    int elements = Math.toIntExact(output.shape().elements());
    double largest = 0;
    double worst = 0;
    for (int i = 0; i < elements; i++) {
      largest = Math.max(largest, Math.abs(expected.get(i)));
      double error = Math.abs(expected.get(i) - got.get(i));
      worst = error <= worst ? worst : error; // NaN stays
    }
    if (!(worst <= TOLERANCE * largest)) {
      throw new IllegalStateException(
          output + " is wrong by " + worst + ", its largest element is " + largest);
    }
  }

  void run() {
    executable.run();
  }

  @Override
  public void close() {
    session.close();
  }
}
