package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaException;
import dev.gridstride.backend.cuda.CudaKernel;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Persistent values on one device, and the context, stream and kernels of its programs. */
final class CudaSession implements Session {
  /** A persistent value's memory. */
  private record Kept(TensorType type, Place.Memory memory) {}

  private final String name;
  private final CudaDevice device;
  private final SessionOptions options;
  private final CudaContext context;
  private final CudaStream stream;
  private final LaunchQueue queue;
  private final Transfer transfer;
  private final DeviceMemory memory;
  private final KernelModules kernels;
  private final Map<String, Kept> persistent = new LinkedHashMap<>();
  private final Set<CudaExecutable> executables = new LinkedHashSet<>();
  private long programAllocations;

  /** Whose work was put on the stream last, or null. */
  private CudaExecutable latest;

  private boolean closed;

  /**
   * Opens a session with a context of its own.
   *
   * @param name of the backend, for messages
   */
  CudaSession(String name, CudaDevice device, SessionOptions options) {
    this.name = name;
    this.device = device;
    this.options = options;
    context = device.createContext();
    kernels = new KernelModules(context, options.checked());
    boolean complete = false;
    try {
      stream = context.createStream();
      queue = new LaunchQueue(context, stream);
      transfer = new Transfer(context);
      memory = new DeviceMemory(context, options.guards());
      complete = true;
    } finally {
      if (!complete) {
        context.close();
      }
    }
  }

  @Override
  public String description() {
    return name
        + ", "
        + device.name()
        + ", compute capability "
        + device.computeCapability()
        + ", "
        + device.multiprocessors()
        + " multiprocessors";
  }

  CudaContext context() {
    return context;
  }

  CudaStream stream() {
    return stream;
  }

  LaunchQueue queue() {
    return queue;
  }

  Transfer transfer() {
    return transfer;
  }

  SessionOptions options() {
    return options;
  }

  Emitter.Traits traits() {
    var capability = device.computeCapability();
    return new Emitter.Traits(
        device.multiprocessors(), 10 * capability.major() + capability.minor());
  }

  CudaKernel kernel(KernelCode code, String entry) {
    return kernels.kernel(code, entry);
  }

  @Override
  public Executable compile(Program program) {
    checkOpen();
    List<Value> values =
        program.values().stream().filter(value -> value.role().persistent()).toList();
    values.forEach(this::checkSameType);
    Map<String, Kept> fresh = new LinkedHashMap<>();
    for (Value value : values) {
      if (!persistent.containsKey(value.name())) {
        Place.Memory place = new Place.Memory(value.name(), value.type().bytes());
        fresh.put(value.name(), new Kept(value.type(), place));
      }
    }
    Recording recording =
        new Recording(
            program,
            value -> persistent.getOrDefault(value.name(), fresh.get(value.name())).memory(),
            traits());
    fresh.forEach(this::keep);
    CudaExecutable executable = new CudaExecutable(this, program, recording);
    executables.add(executable);
    programAllocations += executable.allocations();
    return executable;
  }

  private void keep(String valueName, Kept kept) {
    try {
      memory.apart(List.of(kept.memory()), stream);
    } catch (CudaException e) {
      throw OutOfMemory.is(e)
          ? OutOfMemory.explain(
              e,
              context,
              valueName,
              kept.memory().bytes,
              persistent.values().stream().map(Kept::memory).toList())
          : e;
    }
    kept.memory().buffer().fill((byte) 0, stream);
    persistent.put(valueName, kept);
  }

  private void checkSameType(Value value) {
    Kept known = persistent.get(value.name());
    if (known != null && !known.type().equals(value.type())) {
      throw new ProgramException(
          name
              + ": another program of this session has "
              + value.name()
              + " as "
              + known.type()
              + ", this one as "
              + value.type());
    }
  }

  private Kept find(Value value) {
    checkOpen();
    Kept kept = persistent.get(value.name());
    if (kept == null) {
      throw new BackendException(
          name + ": no compiled program of this session has a persistent value " + value.name());
    }
    return kept;
  }

  @Override
  public void write(Value value, Tensor tensor) {
    Kept kept = find(value);
    if (!tensor.type().equals(kept.type())) {
      throw new ProgramException(
          name
              + ": write "
              + value.name()
              + ": expected "
              + kept.type()
              + ", got "
              + tensor.type());
    }
    synchronize();
    transfer.write(kept.memory().buffer(), tensor);
  }

  @Override
  public Tensor read(Value value) {
    Kept kept = find(value);
    synchronize();
    return transfer.read(kept.memory().buffer(), kept.type());
  }

  @Override
  public double readScalar(Value value) {
    Kept kept = find(value);
    if (kept.type().shape().elements() != 1) {
      throw new ProgramException(
          name + ": read " + value.name() + ": expected a scalar, it is " + kept.type());
    }
    synchronize();
    return transfer.readScalar(kept.memory().buffer(), kept.type().dtype());
  }

  /** Waits for the stream. Errors of programs that ran before surface here. */
  void synchronize() {
    try {
      stream.synchronize();
    } catch (BackendException e) {
      throw during(e);
    }
  }

  /** Notes that an executable is about to put work on the stream. */
  void runs(CudaExecutable executable) {
    latest = executable;
  }

  /** The same error with the program that ran last. */
  BackendException during(BackendException e) {
    return latest == null
        ? e
        : new BackendException(name + ": " + latest.describeRun(e) + ": " + e.getMessage(), e);
  }

  void checkGuards(Object after) {
    memory.checkGuards(after);
  }

  /** Waits for the stream before memory is freed. Never throws. */
  void settle() {
    stream.settle();
  }

  void forget(CudaExecutable executable) {
    executables.remove(executable);
    latest = latest == executable ? null : latest;
  }

  @Override
  public MemoryUse memoryUse() {
    checkOpen();
    return new MemoryUse(
        memory.bytes(),
        executables.stream().mapToLong(CudaExecutable::plannedBytes).sum(),
        memory.allocations() + programAllocations);
  }

  String name() {
    return name;
  }

  private void checkOpen() {
    if (closed) {
      throw new BackendException(name + ": the session is closed; open another");
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    List.copyOf(executables).forEach(CudaExecutable::close);
    closed = true;
    persistent.clear();
    memory.close();
    transfer.close();
    kernels.close();
    stream.close();
    context.close();
  }
}
