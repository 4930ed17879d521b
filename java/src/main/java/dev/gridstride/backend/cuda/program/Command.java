package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;
import dev.gridstride.backend.cuda.vendor.LibraryCall;
import java.util.List;
import java.util.stream.Collectors;

/** One thing that the device does for a node. */
sealed interface Command {
  /** Frees what calls of libraries hold. */
  static void close(List<Command> commands) {
    for (Command command : commands) {
      if (command instanceof Call call) {
        call.call().close();
      }
    }
  }

  /** All of them in one line. */
  static String describe(List<Command> commands) {
    return commands.stream().map(Object::toString).collect(Collectors.joining(" + "));
  }

  /**
   * A kernel launch.
   *
   * @param code where the kernel comes from
   * @param kernel entry point
   * @param sharedBytes dynamic shared memory
   * @param args see {@link Emitter#launch}
   */
  record Launch(
      KernelCode code, String kernel, Dim grid, Dim block, int sharedBytes, List<Object> args)
      implements Command {
    /** For example {@code adam_step_f32 <<<132x1x1, 256x1x1>>>}. */
    @Override
    public String toString() {
      String shared = sharedBytes == 0 ? "" : ", " + sharedBytes + " bytes";
      return kernel + " <<<" + grid + ", " + block + shared + ">>>";
    }
  }

  /** A copy of {@code bytes} on the device. */
  record Copy(Place to, Place from, long bytes) implements Command {
    @Override
    public String toString() {
      return "copy of " + bytes + " bytes";
    }
  }

  /**
   * A call of a library.
   *
   * @param places what {@link LibraryCall#enqueue} is given, in its order
   */
  record Call(LibraryCall call, List<Place> places) implements Command {
    @Override
    public String toString() {
      return call.toString();
    }
  }

  /** {@code bytes} of zeros. */
  record Clear(Place place, long bytes) implements Command {
    @Override
    public String toString() {
      return "clear " + bytes + " bytes";
    }
  }
}
