package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.vendor.LibraryCall;
import dev.gridstride.program.Node;
import dev.gridstride.program.op.Relu;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;

/** Sessions of the simulated device in which ReLU has implementations that tests make up. */
final class Stand {
  private Stand() {}

  /** Own kernels, and for ReLU what else is given, in this order. */
  static Function<Node, List<Implementation>> table(Implementation... relus) {
    return node -> {
      List<Implementation> own = own(node);
      return node.op() instanceof Relu
          ? Stream.concat(own.stream(), Stream.of(relus)).toList()
          : own;
    };
  }

  /** Own kernels alone. */
  static List<Implementation> own(Node node) {
    return Lowerings.of(node).stream().filter(one -> one.name().equals("own")).toList();
  }

  /** Own's kernel under another name, so many times in a row. */
  static Implementation relu(String name, int times) {
    return new Implementation(
        name,
        (op, e) -> {
          for (int i = 0; i < times; i++) {
            ElementwiseLaunches.relu((Relu) op, e);
          }
        },
        true);
  }

  /** Fast, and wrong: all zeros. */
  static Implementation zero(String name) {
    return new Implementation(name, (op, e) -> e.clear(e.out(0), e.output(0).type().bytes()), true);
  }

  /** Says why it does not. */
  static Implementation refusing(String name, String why) {
    return new Implementation(
        name,
        (op, e) -> {
          throw e.unsupported(why);
        },
        false);
  }

  /** A call of a library that fails when it is put on a stream. */
  static final class FailingCall implements LibraryCall {
    @Override
    public void enqueue(CudaStream stream, DeviceBuffer[] buffers) {
      throw new BackendException("the library says no");
    }

    @Override
    public void close() {}
  }

  /** Counts how often it is asked. */
  static Implementation counted(Implementation one, AtomicInteger count) {
    return new Implementation(
        one.name(),
        (op, e) -> {
          count.incrementAndGet();
          one.lowering().lower(op, e);
        },
        one.inPlace());
  }

  static CudaSession open(
      Path folder, Function<Node, List<Implementation>> table, ImplementationChoice choice) {
    return (CudaSession)
        SimulatedBackend.open(
            DeviceOptions.DEFAULT.withImplementations(choice),
            SessionOptions.DEFAULT.withDispatch(new SessionOptions.Dispatch(folder, table, null)));
  }
}
