package dev.gridstride.program.pass;

import dev.gridstride.backend.Backends;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Bfloat16;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Runs a program on the reference with data that depend on nothing but the values' names. */
final class Evaluation {
  private Evaluation() {}

  /** Outputs of the program by name. */
  static Map<String, Tensor> of(Program program) {
    try (Session session = Backends.open("reference", 1).session()) {
      Executable executable = session.compile(program);
      for (Value value : program.values()) {
        if (value.role().persistent()) {
          session.write(value, data(value));
        }
      }
      executable.run();
      Map<String, Tensor> results = new TreeMap<>();
      program.outputs().forEach(value -> results.put(value.name(), executable.read(value)));
      return results;
    }
  }

  /** Multiples of 1/8 from -2 to 2, so that there are ties and zeros; integers from 0 to 2. */
  private static Tensor data(Value value) {
    SplittableRandom random = new SplittableRandom(value.name().hashCode());
    Tensor tensor = Tensor.zeros(value.type());
    for (int i = 0; i < value.shape().elements(); i++) {
      switch (value.type().dtype()) {
        case FLOAT32 -> tensor.floats()[i] = random.nextInt(-16, 17) / 8f;
        case BFLOAT16 -> tensor.bfloat16s()[i] = Bfloat16.of(random.nextInt(-16, 17) / 8f);
        case FLOAT64 -> tensor.doubles()[i] = random.nextInt(-16, 17) / 8.0;
        case INT32 -> tensor.ints()[i] = random.nextInt(3);
        case INT64 -> tensor.longs()[i] = random.nextInt(3);
        case UINT8 -> tensor.bytes()[i] = (byte) random.nextInt(256);
      }
    }
    return tensor;
  }
}
