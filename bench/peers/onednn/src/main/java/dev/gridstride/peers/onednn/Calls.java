package dev.gridstride.peers.onednn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.stream;

/** A fixed sequence of primitives with their memories, built once and run many times. */
final class Calls {

  private final List<primitive> primitives = new ArrayList<>();
  private final List<IntMemoryMap> arguments = new ArrayList<>();

  /** Appends a call without arguments yet; {@link #with} adds them. */
  Calls add(primitive primitive) {
    primitives.add(primitive);
    arguments.add(new IntMemoryMap());
    return this;
  }

  /** Gives the last call one more argument. */
  Calls with(int argument, memory memory) {
    arguments.get(arguments.size() - 1).put(argument, memory);
    return this;
  }

  /** Runs all calls in order. On a CPU stream a call is over when it returns. */
  void run(stream stream) {
    for (int i = 0; i < primitives.size(); i++) {
      primitives.get(i).execute(stream, arguments.get(i));
    }
  }
}
