package dev.gridstride.backend.cuda.program;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gridstride.backend.Session;
import dev.gridstride.program.DataType;
import dev.gridstride.program.Program;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.Accumulate;
import dev.gridstride.program.op.Increment;
import dev.gridstride.program.op.Relu;
import java.util.List;

/** Adds a counter to a sum, so that the order of runs shows, and counts; and y = relu(x). */
record Counting(Program program, Value count, Value sum, Value y) {
  static Counting of() {
    Program.Builder b = new Program.Builder();
    Value count = b.state("count", TensorType.scalar(DataType.INT64));
    Value sum = b.state("sum", TensorType.scalar(DataType.INT64));
    b.update(new Accumulate(3), List.of(sum, count), List.of(sum));
    b.update(new Increment(1), List.of(count), List.of(count));
    Value y = b.add("y", new Relu(), b.input("x", TensorType.float32(2, 3)));
    b.output(y);
    return new Counting(b.build(), count, sum, y);
  }

  /** How many runs there were, once it is clear that none was lost or doubled. */
  long check(Session session) {
    double runs = session.readScalar(count);
    assertEquals(3 * runs * (runs - 1) / 2, session.readScalar(sum));
    return (long) runs;
  }

  /** That there were so many, none of them lost or doubled. */
  void check(Session session, int runs) {
    assertEquals(runs, check(session));
  }
}
