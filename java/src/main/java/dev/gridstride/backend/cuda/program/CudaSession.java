package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaKernel;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Persistent values on one device, and the context, stream and kernels of its programs. */
final class CudaSession implements Session {
  private final String name;
  private final CudaDevice device;
  private final SessionOptions options;
  private final CudaContext context;
  private final CudaStream stream;
  private final LaunchQueue queue;
  private final Transfer transfer;
  private final KernelModules kernels;
  private final Workspaces workspaces;
  private final Persistents persistents;

  /** What the programs brought of the persistent values, one a program. */
  private final List<DeviceMemory> memories = new ArrayList<>();

  private final Set<CudaExecutable> executables = new LinkedHashSet<>();
  private long allocations;

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
      workspaces = new Workspaces(context);
      persistents = new Persistents(name, options.apart());
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

  /** The workspaces of the session's programs. */
  Workspaces workspaces() {
    return workspaces;
  }

  @Override
  public Executable compile(Program program) {
    checkOpen();
    Persistents.Plan plan = persistents.plan(program);
    Recording recording = new Recording(program, plan, traits());
    try {
      return place(program, plan, recording);
    } catch (BackendException e) {
      throw OutOfMemory.is(e) ? outOfMemory(e, plan, recording) : e;
    }
  }

  /** Allocates everything that a program needs, or nothing. */
  private CudaExecutable place(Program program, Persistents.Plan plan, Recording recording) {
    DeviceMemory added = new DeviceMemory(context, options.guards());
    boolean complete = false;
    try {
      plan.allocate(added, stream);
      CudaExecutable executable = new CudaExecutable(this, program, recording);
      persistents.keep(plan);
      memories.add(added);
      executables.add(executable);
      allocations += added.allocations() + executable.allocations();
      complete = true;
      return executable;
    } finally {
      if (!complete) {
        settle();
        added.close();
      }
    }
  }

  private BackendException outOfMemory(
      BackendException cause, Persistents.Plan plan, Recording recording) {
    List<Long> spaces = new ArrayList<>(workspaces.sizes());
    return OutOfMemory.explain(
        cause,
        context,
        added(plan, recording, spaces),
        memoryUse().bytes(),
        Stream.concat(plan.memories(), recording.memories().stream()));
  }

  @Override
  public MemoryUse plan(List<Program> programs) {
    checkOpen();
    Persistents later = persistents.copy();
    List<Long> spaces = new ArrayList<>(workspaces.sizes());
    MemoryUse sum = new MemoryUse(0, 0, 0);
    for (Program program : programs) {
      Persistents.Plan plan = later.plan(program);
      sum = sum.plus(added(plan, new Recording(program, plan, traits()), spaces));
      later.keep(plan);
    }
    return sum;
  }

  /**
   * What a program would add in one arena.
   *
   * @param spaces the workspaces there are; one that it needs is added
   */
  private static MemoryUse added(Persistents.Plan plan, Recording recording, List<Long> spaces) {
    long space = recording.workspace().bytes();
    boolean more = space > 0 && spaces.stream().noneMatch(one -> one >= space);
    if (more) {
      spaces.add(space);
    }
    long own = recording.own().bytes();
    return new MemoryUse(
        plan.bytes(),
        own + (more ? space : 0),
        plan.allocations() + (own > 0 ? 1 : 0) + (more ? 1 : 0));
  }

  private Persistents.Kept find(Value value) {
    checkOpen();
    Persistents.Kept kept = persistents.find(value.name());
    if (kept == null) {
      throw new BackendException(
          name + ": no compiled program of this session has a persistent value " + value.name());
    }
    return kept;
  }

  @Override
  public void write(Value value, Tensor tensor) {
    Persistents.Kept kept = find(value);
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
    transfer.write(kept.memory().buffer(), tensor, kept.stored());
  }

  @Override
  public Tensor read(Value value) {
    Persistents.Kept kept = find(value);
    synchronize();
    return transfer.read(kept.memory().buffer(), kept.type(), kept.stored());
  }

  @Override
  public double readScalar(Value value) {
    Persistents.Kept kept = findScalar(value);
    synchronize();
    return transfer.readScalar(kept.memory().buffer(), kept.type().dtype());
  }

  private Persistents.Kept findScalar(Value value) {
    Persistents.Kept kept = find(value);
    if (kept.type().shape().elements() != 1) {
      throw new ProgramException(
          name + ": read " + value.name() + ": expected a scalar, it is " + kept.type());
    }
    return kept;
  }

  @Override
  public Readings follow(List<Value> scalars) {
    List<CudaReadings.Source> sources = new ArrayList<>();
    for (Value value : scalars) {
      Persistents.Kept kept = findScalar(value);
      sources.add(new CudaReadings.Source(kept.memory().buffer(), kept.type().dtype()));
    }
    return new CudaReadings(this, sources);
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
    memories.forEach(memory -> memory.checkGuards(after));
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
        memories.stream().mapToLong(DeviceMemory::bytes).sum(),
        executables.stream().mapToLong(CudaExecutable::ownBytes).sum()
            + workspaces.sizes().stream().mapToLong(Long::longValue).sum(),
        allocations + workspaces.allocations());
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
    persistents.clear();
    memories.forEach(DeviceMemory::close);
    transfer.close();
    kernels.close();
    stream.close();
    context.close();
  }
}
