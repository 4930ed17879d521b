package dev.gridstride.backend.cpu;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Rates;
import dev.gridstride.backend.Session;
import dev.gridstride.events.CompileEvent;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Role;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;

/** Persistent values and the workers that all programs of a session share. */
final class CpuSession implements Session {
  private final OneDnn oneDnn;
  private final WorkerTeam team;
  private final Map<String, Storage> storages = new HashMap<>();
  private final Map<String, NativeMemory> memories = new HashMap<>();
  private final List<CpuExecutable> executables = new ArrayList<>();
  private NativeMemory transfer;
  private long allocations;
  private boolean closed;

  CpuSession(OneDnn oneDnn, int threads) {
    this.oneDnn = oneDnn;
    team = new WorkerTeam(threads);
  }

  WorkerTeam team() {
    return team;
  }

  @Override
  public String description() {
    return "cpu, oneDNN "
        + OneDnn.version()
        + " with "
        + OneDnn.instructionSet()
        + ", "
        + team.size()
        + (team.size() == 1 ? " thread" : " threads");
  }

  @Override
  public Executable compile(Program program) {
    checkOpen();
    CompileEvent event = CompileEvent.start();
    CpuExecutable[] result = new CpuExecutable[1];
    team.drive(() -> result[0] = new CpuExecutable(this, oneDnn, team, program));
    executables.add(result[0]);
    allocations += result[0].allocations();
    CompileEvent.end(
        event, "cpu", program.nodes().size(), program.outputs(), result[0].plannedBytes());
    return result[0];
  }

  @Override
  public Rates rates() {
    checkOpen();
    return CpuRates.of(oneDnn, team);
  }

  /** The layout in which a value of this name is kept already, or null. */
  Layout pinnedLayout(Value value) {
    Storage storage = storages.get(value.name());
    return storage == null ? null : storage.layout;
  }

  /**
   * The memory of a persistent value, allocated on first use; {@code layout} is null for Java
   * memory.
   */
  Storage storage(Value value, Layout layout, Sharding sharding) {
    Storage known = storages.get(value.name());
    if (known == null) {
      known = layout == null ? inHeap(value) : inNative(value, layout, sharding);
      storages.put(value.name(), known);
    } else {
      checkType(known, value);
      if (value.batched() && layout != null) {
        return ProgramMemory.contiguous(value, layout, memories.get(value.name()), 0, sharding);
      }
    }
    return known;
  }

  private static Storage inHeap(Value value) {
    // A data set stays where the caller has it; nothing is allocated for it here.
    Tensor tensor = value.role() == Role.DATA ? null : Tensor.zeros(value.type());
    return Storage.inHeap(value, tensor, 0);
  }

  private Storage inNative(Value value, Layout layout, Sharding sharding) {
    long bytes = ProgramMemory.checkSize(value, layout.bytes(value.shape()));
    NativeMemory memory = NativeMemory.allocate(bytes, value.name());
    memories.put(value.name(), memory);
    allocations++;
    return value.batched()
        ? ProgramMemory.contiguous(value, layout, memory, 0, sharding)
        : Storage.inNative(value, layout, memory.at(0, bytes));
  }

  private static void checkType(Storage storage, Value value) {
    if (!storage.value.type().equals(value.type())) {
      throw new ProgramException(
          "cpu: "
              + value.name()
              + " is kept as "
              + storage.value.type()
              + ", asked for as "
              + value.type());
    }
  }

  private Storage find(Value value) {
    checkOpen();
    Storage storage = storages.get(value.name());
    if (storage == null) {
      throw new BackendException(
          "cpu: no compiled program of this session has a value " + value.name());
    }
    checkType(storage, value);
    return storage;
  }

  @Override
  public void write(Value value, Tensor tensor) {
    Storage storage = find(value);
    if (!tensor.type().equals(value.type())) {
      throw new ProgramException(
          "cpu: " + value + " cannot be written with a tensor of type " + tensor.type());
    }
    if (value.role() == Role.DATA) {
      storage.heap = tensor;
    } else if (storage.inHeap()) {
      tensor.copyTo(storage.heap);
    } else {
      team.drive(() -> fromPlain(tensor.floats(), storage, value.shape()));
    }
  }

  @Override
  public Tensor read(Value value) {
    Storage storage = find(value);
    if (value.role() == Role.DATA) {
      if (storage.heap == null) {
        throw new BackendException("cpu: data " + value.name() + " was never written");
      }
      return storage.heap;
    }
    Tensor result = Tensor.zeros(value.type());
    if (storage.inHeap()) {
      storage.heap.copyTo(result);
    } else {
      team.drive(() -> toPlain(storage, 0, value.shape()).get(0, result.floats()));
    }
    return result;
  }

  @Override
  public double readScalar(Value value) {
    Storage storage = find(value);
    if (!storage.inHeap() || value.shape().rank() != 0) {
      throw new BackendException("cpu: " + value + " is not a scalar");
    }
    return storage.heap.get(0);
  }

  /** A part of a value in row-major order, until the next transfer. On worker 0 only. */
  FloatBuffer toPlain(Storage storage, int part, Shape shape) {
    BytePointer plain = transfer(shape.elements() * Float.BYTES);
    Reorder.now(
        oneDnn,
        storage.layout.desc(shape),
        storage.pointers[part],
        storage.layout.plain(shape),
        plain);
    return NativeMemory.floats(plain);
  }

  private void fromPlain(float[] values, Storage storage, Shape shape) {
    BytePointer plain = transfer((long) values.length * Float.BYTES);
    NativeMemory.floats(plain).put(0, values);
    Reorder.now(
        oneDnn,
        storage.layout.plain(shape),
        plain,
        storage.layout.desc(shape),
        storage.pointers[0]);
  }

  private BytePointer transfer(long bytes) {
    if (transfer == null || transfer.bytes() < bytes) {
      if (transfer != null) {
        transfer.close();
      }
      transfer = NativeMemory.allocate(bytes, "a transfer");
    }
    return transfer.at(0, bytes);
  }

  void forget(CpuExecutable executable) {
    executables.remove(executable);
  }

  @Override
  public MemoryUse memoryUse() {
    long persistent = memories.values().stream().mapToLong(NativeMemory::bytes).sum();
    for (Storage storage : storages.values()) {
      persistent += storage.heap == null ? 0 : storage.heap.type().bytes();
    }
    long programs = executables.stream().mapToLong(CpuExecutable::bytes).sum();
    return new MemoryUse(persistent, programs, allocations);
  }

  private void checkOpen() {
    if (closed) {
      throw new BackendException("cpu: session used after it was closed");
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    List.copyOf(executables).forEach(CpuExecutable::close);
    team.close();
    memories.values().forEach(NativeMemory::close);
    if (transfer != null) {
      transfer.close();
    }
  }
}
