package dev.gridstride.backend.cpu;

import dev.gridstride.backend.Profile;
import dev.gridstride.program.Value;
import java.util.List;

/**
 * A piece of work that a node was lowered to.
 *
 * @param name op and implementation, for {@code explain}
 * @param mode how it is spread over the workers
 * @param reads values it reads
 * @param writes values it writes
 * @param builder makes the kernel once memory is there
 */
record Step(String name, Mode mode, List<Value> reads, List<Value> writes, Builder builder) {
  /** Name of the step that fetches batches, whose time is reported apart. */
  static final String FETCH = "fetch_batch" + Step.JAVA;

  /** Ends the name of every step that is computed in Java. */
  static final String JAVA = " java";

  Step {
    reads = List.copyOf(reads);
    writes = List.copyOf(writes);
  }

  /** Steps in Java say so at the end of their name. */
  Profile.Kind kind() {
    return name.endsWith(JAVA) ? Profile.Kind.HOST : Profile.Kind.PRIMITIVE;
  }

  /** This step in a profile. */
  Profile.Step profiled(double nanos) {
    // For example "d_pool1 = conv2d_backward_data jit:avx2" or "turn batch jit:uni".
    String op = name.substring(name.indexOf("= ") < 0 ? 0 : name.indexOf("= ") + 2).split(" ")[0];
    return new Profile.Step(
        name,
        op,
        Profile.Phase.of(op, writes),
        kind(),
        nanos,
        Profile.UNKNOWN,
        Profile.UNKNOWN,
        List.of());
  }

  /** How a step is spread over the workers. */
  enum Mode {
    /** Part p works on shard p of the batch and touches no other rows. */
    SHARDED,
    /** Part p works on a slice of a tensor that is no batch. */
    SLICED,
    /** One part does it all. */
    SERIAL
  }

  /** Makes the kernel of a step. */
  interface Builder {
    Kernel build(Memory memory);
  }

  /** The compiled step. */
  interface Kernel {
    /** Runs one part; never allocates. */
    void run(int part);
  }
}
