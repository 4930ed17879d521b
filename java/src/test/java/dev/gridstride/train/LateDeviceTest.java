package dev.gridstride.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** A device may return from a step before it has done it; clocks must not be fooled. */
class LateDeviceTest {
  private static final long STEP_NANOS = 100_000_000;

  /** Takes its time for a step when a value is read. */
  private static final class Late implements Session {
    private final Session inner;
    private int waiting;

    Late(Session inner) {
      this.inner = inner;
    }

    private void finish() {
      long end = System.nanoTime() + waiting * STEP_NANOS;
      waiting = 0;
      while (System.nanoTime() < end) {
        LockSupport.parkNanos(end - System.nanoTime());
      }
    }

    @Override
    public String description() {
      return inner.description();
    }

    @Override
    public Executable compile(Program program) {
      Executable executable = inner.compile(program);
      return new Executable() {
        @Override
        public void run() {
          executable.run();
          waiting++;
        }

        @Override
        public Tensor read(Value output) {
          finish();
          return executable.read(output);
        }

        @Override
        public long plannedBytes() {
          return executable.plannedBytes();
        }

        @Override
        public Explanation explanation() {
          return executable.explanation();
        }

        @Override
        public String explain() {
          return executable.explain();
        }

        @Override
        public void close() {
          executable.close();
        }
      };
    }

    @Override
    public void write(Value value, Tensor tensor) {
      finish();
      inner.write(value, tensor);
    }

    @Override
    public Tensor read(Value value) {
      finish();
      return inner.read(value);
    }

    @Override
    public double readScalar(Value value) {
      finish();
      return inner.readScalar(value);
    }

    @Override
    public MemoryUse memoryUse() {
      return inner.memoryUse();
    }

    @Override
    public void close() {
      inner.close();
    }
  }

  @Test
  void secondsOfAnEpochHaveTheWorkThatIsDoneLater() {
    try (Session session = new Late(Tiny.open("reference"))) {
      History history = Tiny.builder(Tiny.cnn(), session).build().fit(Tiny.TRAIN, null, 1);
      int steps = 3;
      double seconds = history.last().seconds();
      assertTrue(seconds >= steps * STEP_NANOS / 1e9, seconds + " s");
    }
  }
}
