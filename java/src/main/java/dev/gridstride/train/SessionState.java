package dev.gridstride.train;

import dev.gridstride.backend.Executable;
import dev.gridstride.backend.ImplementationUse;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.Session;
import dev.gridstride.events.NvtxRange;
import dev.gridstride.program.Program;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The persistent values of a session by name. What is put before a program has a value of that name
 * waits on the host until one is compiled.
 */
final class SessionState {
  private static final NvtxRange COMPILE = new NvtxRange("compile");

  private final Session session;
  private final Map<String, Value> values = new LinkedHashMap<>();
  private final Map<String, Tensor> waiting = new HashMap<>();

  SessionState(Session session) {
    this.session = session;
  }

  Executable compile(Program program) {
    Executable executable;
    COMPILE.push();
    try {
      executable = session.compile(program);
    } finally {
      NvtxRange.pop();
    }
    for (Value value : program.values()) {
      if (value.role().persistent() && values.putIfAbsent(value.name(), value) == null) {
        Tensor content = waiting.remove(value.name());
        if (content != null) {
          session.write(value, content);
        }
      }
    }
    return executable;
  }

  /** What compiling these programs would add, see {@link Session#plan}. */
  MemoryUse plan(List<Program> programs) {
    return session.plan(programs);
  }

  /** Who computes what was compiled so far. */
  CheckpointInfo.Computed computed() {
    ImplementationUse use = session.implementationUse();
    return new CheckpointInfo.Computed(session.description(), use.libraries(), use.byNode());
  }

  /** What the session has. */
  MemoryUse memoryUse() {
    return session.memoryUse();
  }

  void put(String name, Tensor content) {
    Value value = values.get(name);
    if (value == null) {
      waiting.put(name, content);
    } else {
      session.write(value, content);
    }
  }

  void putAll(Map<String, Tensor> contents) {
    contents.forEach(this::put);
  }

  /** The content of a value that has been put or compiled. */
  Tensor get(String name) {
    Value value = values.get(name);
    return value == null ? waiting.get(name) : session.read(value);
  }

  /** Reads the values on the device that pass the filter, in the order of their first use. */
  Map<String, Tensor> read(Predicate<Value> wanted) {
    Map<String, Tensor> result = new LinkedHashMap<>();
    for (Value value : values.values()) {
      if (wanted.test(value)) {
        result.put(value.name(), session.read(value));
      }
    }
    return result;
  }

  /** Scalars on the device, to be read without waiting for it. */
  Readings follow(List<Value> scalars) {
    return session.follow(scalars);
  }

  /** Reads a scalar without allocating. */
  double scalar(Value value) {
    return session.readScalar(value);
  }
}
