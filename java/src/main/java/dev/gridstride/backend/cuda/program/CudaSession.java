package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Executable;
import dev.gridstride.backend.ImplementationUse;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.Rates;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaException;
import dev.gridstride.backend.cuda.CudaKernel;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import dev.gridstride.events.CompileEvent;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Persistent values on one device, and the context, stream and kernels of its programs. */
final class CudaSession implements Session {
  private final String name;
  private final CudaDevice device;
  private final Precision precision;
  private final Selection selection;
  private final SessionOptions options;
  private final CudaContext context;
  private final CudaStream stream;
  private final LaunchQueue queue;
  private final Transfer transfer;
  private final KernelModules kernels;
  private final VendorLibraries libraries;
  private final Workspaces workspaces;
  private final Persistents persistents;
  private final DataStreams streams;
  private final Drafts drafts = new Drafts(this);

  /** What the programs brought of the persistent values, one a program. */
  private final List<DeviceMemory> memories = new ArrayList<>();

  private final Set<CudaExecutable> executables = new LinkedHashSet<>();
  private long allocations;

  /** Of data sets that are on the device whole. */
  private long dataBytes;

  /** Whose work was put on the stream last, or null. */
  private CudaExecutable latest;

  private boolean closed;

  /**
   * Opens a session with a context of its own.
   *
   * @param name of the backend, for messages
   * @throws BackendException if the device has no tensor cores for the precision
   */
  CudaSession(String name, CudaDevice device, DeviceOptions wanted, SessionOptions options) {
    Precision precision = wanted.precision();
    TensorCores.require(name, device, precision);
    this.name = name;
    this.device = device;
    this.precision = precision;
    this.options = options;
    context = device.createContext();
    kernels = new KernelModules(context, options.checked());
    libraries = new VendorLibraries(context);
    selection =
        new Selection(device, precision, wanted.implementations(), libraries, options.dispatch());
    boolean complete = false;
    try {
      selection.require();
      stream = context.createStream();
      queue = new LaunchQueue(context, stream);
      transfer = new Transfer(context);
      workspaces = new Workspaces(context);
      persistents = new Persistents(name, options.apart());
      streams = new DataStreams(context, stream, options.guards());
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
        + " multiprocessors, "
        + precision
        + libraries.describe().stream().map(one -> ", " + one).collect(Collectors.joining());
  }

  @Override
  public Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>(CudaDevices.facts(device));
    List<String> opened = libraries.describe();
    if (!opened.isEmpty()) {
      facts.put("libraries", String.join(", ", opened));
    }
    return facts;
  }

  @Override
  public Rates rates() {
    checkOpen();
    try {
      return CudaRates.of(context, stream);
    } catch (BackendException e) {
      throw failed("measuring the device's copy rate", e);
    }
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

  CudaKernel kernel(KernelCode code, String entry) {
    return kernels.kernel(code, entry);
  }

  Precision precision() {
    return precision;
  }

  Selection selection() {
    return selection;
  }

  @Override
  public ImplementationUse implementationUse() {
    return selection.use(executables.stream().flatMap(CudaExecutable::recorded));
  }

  /** The workspaces of the session's programs. */
  Workspaces workspaces() {
    return workspaces;
  }

  @Override
  public Executable compile(Program program) {
    checkOpen();
    Program whole = TensorCores.withCasts(program, precision);
    selection.tune(whole);
    return compileAsIs(whole);
  }

  /** Compiles a program that has all the casts that it needs. */
  Executable compileAsIs(Program casted) {
    checkOpen();
    Program program = selection.prepared(casted);
    CompileEvent event = CompileEvent.start();
    Drafts.Stock stock = new Drafts.Stock(persistents, streams, workspaces.sizes());
    Drafts.Draft draft = drafts.draft(program, stock, 0, options.dataBytes() - dataBytes);
    try {
      CudaExecutable executable = place(draft);
      CompileEvent.end(
          event, name, program.nodes().size(), program.outputs(), executable.plannedBytes());
      return executable;
    } catch (BackendException e) {
      BackendException error =
          e instanceof CudaException ? failed("compiling " + Describe.program(program), e) : e;
      throw OutOfMemory.is(e)
          ? OutOfMemory.explain(
              error, context, draft.added(), memoryUse().bytes(), draft.memories())
          : error;
    }
  }

  /** Allocates everything that a program needs, or nothing. */
  private CudaExecutable place(Drafts.Draft draft) {
    DeviceMemory added = new DeviceMemory(context, options.guards());
    boolean complete = false;
    try {
      draft.plan().allocate(added, stream);
      draft.data().allocate();
      CudaExecutable executable =
          new CudaExecutable(
              this, draft.program(), draft.recording(), draft.data().feeds(this::readScalar));
      persistents.keep(draft.plan());
      streams.keep(draft.data());
      memories.add(added);
      executables.add(executable);
      selection.used(draft.recording());
      allocations += added.allocations() + executable.allocations();
      dataBytes += draft.broughtDataBytes();
      complete = true;
      return executable;
    } finally {
      if (!complete) {
        settle();
        added.close();
        draft.recording().close();
        draft.data().free();
      }
    }
  }

  @Override
  public MemoryUse plan(List<Program> programs) {
    checkOpen();
    Drafts.Stock later =
        new Drafts.Stock(persistents.copy(), streams.copy(), new ArrayList<>(workspaces.sizes()));
    MemoryUse sum = new MemoryUse(0, 0, 0);
    for (Program program : programs) {
      Program prepared = selection.prepared(TensorCores.withCasts(program, precision));
      Drafts.Draft draft =
          drafts.draft(prepared, later, sum.bytes(), options.dataBytes() - dataBytes);
      sum = sum.plus(draft.added());
      later.keep(draft);
      draft.recording().close();
    }
    return sum;
  }

  @Override
  public void write(Value value, Tensor tensor) {
    checkOpen();
    HostData hosted = streams.hosted(value.name());
    if (hosted != null) {
      checkType(value, hosted.type(), tensor);
      hosted.set(tensor);
      return;
    }
    Persistents.Kept kept = persistents.find(value);
    checkType(value, kept.type(), tensor);
    try {
      transfer.write(kept.memory().buffer(), tensor, kept.stored());
    } catch (BackendException e) {
      throw failed("writing " + value, e);
    }
    if (Cursors.counts(kept.type())) {
      streams.cursors().of(value.name()).set(tensor.longs()[0]);
    }
  }

  private void checkType(Value value, TensorType expected, Tensor tensor) {
    if (!tensor.type().equals(expected)) {
      throw new ProgramException(
          name + ": write " + value.name() + ": expected " + expected + ", got " + tensor.type());
    }
  }

  @Override
  public Tensor read(Value value) {
    checkOpen();
    HostData hosted = streams.hosted(value.name());
    if (hosted != null) {
      return hosted.get();
    }
    Persistents.Kept kept = persistents.find(value);
    try {
      return transfer.read(kept.memory().buffer(), kept.type(), kept.stored());
    } catch (BackendException e) {
      throw failed("reading " + value, e);
    }
  }

  @Override
  public double readScalar(Value value) {
    checkOpen();
    Persistents.Kept kept = persistents.findScalar(value);
    try {
      return transfer.readScalar(kept.memory().buffer(), kept.type().dtype());
    } catch (BackendException e) {
      throw failed("reading " + value, e);
    }
  }

  @Override
  public Readings follow(List<Value> scalars) {
    checkOpen();
    List<CudaReadings.Source> sources = new ArrayList<>();
    for (Value value : scalars) {
      Persistents.Kept kept = persistents.findScalar(value);
      sources.add(new CudaReadings.Source(kept.memory().buffer(), kept.type().dtype()));
    }
    String names = scalars.stream().map(Value::toString).collect(Collectors.joining(", "));
    try {
      return new CudaReadings(this, "following " + names, sources);
    } catch (BackendException e) {
      throw failed("beginning to follow " + names, e);
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

  /** The same error with what was being done, and with the run that may be at fault. */
  BackendException failed(String doing, BackendException e) {
    String run =
        latest != null && e instanceof CudaException error && error.isLate()
            ? ", after " + latest.describeRun(e)
            : "";
    return new BackendException(name + ": " + doing + run + ": " + e.getMessage(), e);
  }

  void checkGuards(Object after) {
    memories.forEach(memory -> memory.checkGuards(after));
    streams.checkGuards(after);
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
  public String dataPlacement() {
    String streamed = streams.describe();
    if (streamed.isEmpty()) {
      return dataBytes == 0 ? "" : "data: on the device";
    }
    return "data: streamed from the host, since there is no room on the device: "
        + streamed
        + (dataBytes == 0 ? "" : "; the rest on the device");
  }

  @Override
  public MemoryUse memoryUse() {
    checkOpen();
    return new MemoryUse(
        memories.stream().mapToLong(DeviceMemory::bytes).sum() + streams.bytes(),
        executables.stream().mapToLong(CudaExecutable::ownBytes).sum()
            + workspaces.sizes().stream().mapToLong(Long::longValue).sum(),
        allocations + workspaces.allocations() + streams.allocations());
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
    streams.close();
    memories.forEach(DeviceMemory::close);
    transfer.close();
    kernels.close();
    libraries.close();
    stream.close();
    context.close();
  }
}
