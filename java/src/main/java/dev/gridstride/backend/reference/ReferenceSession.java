package dev.gridstride.backend.reference;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Session;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Persistent values by name, and the executables that work on them. */
final class ReferenceSession implements Session {
  private final Map<String, Storage> persistent = new LinkedHashMap<>();
  private final Set<ReferenceExecutable> executables = new LinkedHashSet<>();
  private long allocations;
  private boolean closed;

  @Override
  public String description() {
    return "reference (double loops, for checking; slow)";
  }

  @Override
  public Executable compile(Program program) {
    checkOpen();
    program.nodes().forEach(Kernels::of);
    List<Value> values =
        program.values().stream().filter(value -> value.role().persistent()).toList();
    values.forEach(this::checkSameType);
    values.forEach(
        value -> persistent.computeIfAbsent(value.name(), name -> allocate(value.type())));
    ReferenceExecutable executable = new ReferenceExecutable(this, program);
    executables.add(executable);
    return executable;
  }

  @Override
  public MemoryUse plan(List<Program> programs) {
    checkOpen();
    Map<String, Long> fresh = new HashMap<>();
    long computed = 0;
    long results = 0;
    for (Program program : programs) {
      for (Value value : program.values()) {
        if (value.role().persistent() && !persistent.containsKey(value.name())) {
          fresh.put(value.name(), Storage.bytes(value.type()));
        }
      }
      for (Node node : program.nodes()) {
        computed += node.outputs().stream().mapToLong(v -> Storage.bytes(v.type())).sum();
        results += node.outputs().size();
      }
    }
    long kept = fresh.values().stream().mapToLong(Long::longValue).sum();
    return new MemoryUse(kept, computed, fresh.size() + results);
  }

  private void checkSameType(Value value) {
    Storage known = persistent.get(value.name());
    if (known != null && !known.type().equals(value.type())) {
      throw new ProgramException(
          "reference: another program of this session has "
              + value.name()
              + " as "
              + known.type()
              + ", this one as "
              + value.type());
    }
  }

  /** Memory for one value, counted. */
  Storage allocate(TensorType type) {
    allocations++;
    return new Storage(type);
  }

  void forget(ReferenceExecutable executable) {
    executables.remove(executable);
  }

  /** The memory of a persistent value. */
  Storage storage(Value value) {
    checkOpen();
    Storage storage = persistent.get(value.name());
    if (storage == null) {
      throw new BackendException(
          "reference: no compiled program of this session has a persistent value named "
              + value.name());
    }
    return storage;
  }

  @Override
  public void write(Value value, Tensor tensor) {
    Storage storage = storage(value);
    if (!tensor.type().equals(storage.type())) {
      throw new ProgramException(
          "reference: write "
              + value.name()
              + ": expected "
              + storage.type()
              + ", got "
              + tensor.type());
    }
    storage.write(tensor);
  }

  @Override
  public Tensor read(Value value) {
    return storage(value).read();
  }

  @Override
  public double readScalar(Value value) {
    Storage storage = storage(value);
    if (storage.type().shape().elements() != 1) {
      throw new ProgramException(
          "reference: read " + value.name() + ": expected a scalar, it is " + storage.type());
    }
    return storage.get(0);
  }

  @Override
  public MemoryUse memoryUse() {
    checkOpen();
    return new MemoryUse(
        persistent.values().stream().mapToLong(Storage::bytes).sum(),
        executables.stream().mapToLong(ReferenceExecutable::plannedBytes).sum(),
        allocations);
  }

  @Override
  public void close() {
    List.copyOf(executables).forEach(ReferenceExecutable::close);
    persistent.clear();
    closed = true;
  }

  private void checkOpen() {
    if (closed) {
      throw new BackendException("reference: the session is closed; open another");
    }
  }
}
