package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Explanation;
import dev.gridstride.backend.ImplementationChoice;
import dev.gridstride.backend.MemoryUse;
import dev.gridstride.backend.Precision;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Value;
import dev.gridstride.program.pass.Fuse;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A program of one or more ops compiled for a context, to be run on memory and streams of the
 * caller: how Gridstride is embedded in a system that has its own.
 *
 * <pre>{@code
 * try (CudaContext context = CudaContext.current();
 *     CudaProgram program = CudaProgram.compile(context, ops)) {
 *   program.bind(x, context.wrap(pointer, bytes, "x"));
 *   program.bind(y, context.wrap(otherPointer, otherBytes, "y"));
 *   program.run(context.wrap(stream));
 * }
 * }</pre>
 *
 * <p><b>Memory.</b> Every value that is not computed within the program (inputs, data, parameters,
 * states) and every output is bound to memory of the caller, at an address that is a multiple of
 * {@value #ALIGNMENT} bytes. Values of rank 4 lie channels last: [N,C,H,W] as [N,H,W,C], weights of
 * convolutions [O,C/G,KH,KW] as [O,KH,KW,C/G]; all others row by row. See {@link Builder#rowMajor}
 * and {@link Builder#unaligned} for memory that is otherwise. What a run writes must not overlap
 * anything else that is bound. Intermediate results are in the workspace, which is allocated here
 * unless the caller gives it.
 *
 * <p><b>Runs.</b> {@link #run} puts plain launches into the stream and returns: it does not
 * allocate, wait or make Java objects. If the caller is capturing the stream, they become nodes of
 * the caller's graph, which goes on to use the memory that was bound then; this program must stay
 * open as long as such a graph runs. Runs in several streams share the workspace, so order them, or
 * compile a program for each. Results have the same bits from run to run.
 *
 * <p>The context that is current on the calling thread is so again after every call. For one thread
 * at a time.
 */
public final class CudaProgram implements AutoCloseable {
  /** What the address of a bound value must be a multiple of, in bytes. */
  public static final int ALIGNMENT = 16;

  /** What the address of the workspace must be a multiple of, in bytes. */
  public static final int WORKSPACE_ALIGNMENT = Recording.ALIGNMENT;

  private final CudaContext context;
  private final Slots slots;
  private final Precision precision;
  private final Recording recording;
  private final KernelModules kernels;
  private final VendorLibraries libraries;
  private final Selection selection;
  private final Slot workspace;
  private final DeviceMemory memory;
  private final SlotCommands commands;
  private final Runnable enqueue = this::enqueue;
  private final Runnable free = this::free;
  private CudaStream target;
  private boolean changed = true;
  private boolean closed;

  private CudaProgram(Builder options) {
    context = options.context;
    TensorCores.require("program", context.device(), options.precision);
    Boundary boundary =
        new Boundary(Fuse.apply(options.program), options.rowMajor, options.unaligned);
    Program program = TensorCores.withCasts(boundary.program(), options.precision);
    slots = new Slots(boundary, program);
    libraries = new VendorLibraries(context);
    selection =
        new Selection(
            context.device(),
            options.precision,
            options.implementations,
            libraries,
            SessionOptions.Dispatch.plain());
    precision = options.precision;
    recording = record(program, Surroundings.apart(slots::memory));
    workspace = new Slot("workspace", recording.workspace().bytes(), WORKSPACE_ALIGNMENT, true);
    kernels = new KernelModules(context, options.checked);
    memory = new DeviceMemory(context, false);
    boolean complete = false;
    try {
      allocate(options.ownWorkspace);
      commands = new SlotCommands(recording, kernels, this::location);
      complete = true;
    } finally {
      if (!complete) {
        free();
      }
    }
  }

  /** Where a memory is that is given from outside; null for others. */
  private SlotCommands.Location location(Place.Memory place) {
    if (place.block() == recording.workspace()) {
      return new SlotCommands.Location(workspace, place.offset());
    }
    Slot slot = slots.at(place);
    return slot == null ? null : new SlotCommands.Location(slot, 0);
  }

  private Recording record(Program program, Surroundings around) {
    boolean complete = false;
    try {
      selection.require();
      selection.tuneApart(program);
      Recording result = new Recording(selection.prepared(program), around, selection.traits());
      complete = true;
      return result;
    } finally {
      if (!complete) {
        libraries.close();
      }
    }
  }

  private void allocate(boolean ownWorkspace) {
    try {
      if (recording.own().bytes() > 0) {
        memory.together(recording.own());
      }
      if (ownWorkspace && workspace.bytes() > 0) {
        workspace.put(memory.allocate(workspace.bytes(), "workspace"), context);
      }
    } catch (BackendException e) {
      MemoryUse wanted = new MemoryUse(0, recording.own().bytes() + workspace.bytes(), 2);
      throw OutOfMemory.is(e)
          ? OutOfMemory.explain(e, context, wanted, 0, recording.memories().stream())
          : e;
    }
    recording.constants().forEach((constant, values) -> constant.buffer().write(values));
  }

  /** A program with the defaults of {@link #builder}. */
  public static CudaProgram compile(CudaContext context, Program program) {
    return builder(context, program).compile();
  }

  /**
   * How to compile a program.
   *
   * @param context an own one or one of the caller, {@link CudaContext#of}
   * @param program what to compute
   */
  public static Builder builder(CudaContext context, Program program) {
    return new Builder(context, program);
  }

  /** Options, each with a default. */
  public static final class Builder {
    private final CudaContext context;
    private final Program program;
    private final Set<Value> rowMajor = new LinkedHashSet<>();
    private final Set<Value> unaligned = new LinkedHashSet<>();
    private Precision precision = Precision.FLOAT32;
    private ImplementationChoice implementations = ImplementationChoice.DEFAULT;
    private boolean ownWorkspace = true;
    private boolean checked;

    private Builder(CudaContext context, Program program) {
      this.context = Objects.requireNonNull(context);
      this.program = Objects.requireNonNull(program);
    }

    /**
     * How convolutions and matrix products multiply, {@link Precision#FLOAT32} if not said; what is
     * bound stays as its type says.
     */
    public Builder precision(Precision wanted) {
      precision = Objects.requireNonNull(wanted);
      return this;
    }

    /** Which implementation of each op, own kernels if not said. */
    public Builder implementations(ImplementationChoice wanted) {
      implementations = Objects.requireNonNull(wanted);
      return this;
    }

    /**
     * These values, float32 of rank 4, lie row by row in the caller's memory: [N,C,H,W] as it
     * stands. Each is permuted through the workspace in every run, and may be at any multiple of 4
     * bytes. Values of other ranks lie so anyway.
     */
    public Builder rowMajor(Value... values) {
      rowMajor.addAll(requireBound(values));
      return this;
    }

    /**
     * These values, float32, may be at any multiple of 4 bytes: each is copied through the
     * workspace in every run.
     */
    public Builder unaligned(Value... values) {
      unaligned.addAll(requireBound(values));
      return this;
    }

    private List<Value> requireBound(Value... values) {
      for (Value value : values) {
        boolean known =
            program.outputs().contains(value)
                || (value.role().persistent() && program.values().contains(value));
        if (!known) {
          throw new ProgramException("program: " + value + " is none of its inputs and outputs");
        }
      }
      return Arrays.asList(values);
    }

    /** The caller gives the workspace, see {@link CudaProgram#workspace}; none is allocated. */
    public Builder callersWorkspace() {
      ownWorkspace = false;
      return this;
    }

    /**
     * Kernels with the checker, which finds accesses out of bounds, races and reads of unset
     * memory; on the simulated device only.
     */
    public Builder checked() {
      checked = true;
      return this;
    }

    /**
     * Compiles: loads kernels, lays the workspace out and allocates it. Not to be called while the
     * caller captures a stream.
     *
     * @throws ProgramException if a value cannot be bound as asked
     * @throws BackendException if an op, shape or precision is not supported here
     * @throws dev.gridstride.backend.OutOfDeviceMemoryException if the workspace does not fit
     */
    public CudaProgram compile() {
      CudaProgram[] compiled = new CudaProgram[1];
      context.whileCurrent(() -> compiled[0] = new CudaProgram(this));
      return compiled[0];
    }
  }

  /** What is to be bound: inputs and whatever else is persistent, and outputs. */
  public Set<Value> values() {
    return slots.values();
  }

  /** How a value lies in memory, in words, for example {@code channels last [8,32,32,3]}. */
  public String layout(Value value) {
    return slots.layout(value);
  }

  /**
   * From the next run on, a value is in this memory. Cheap: the pointers of prepared launches are
   * changed. The memory may be larger than the value.
   *
   * @throws IllegalArgumentException if the value is not one of {@link #values}, the memory is
   *     null, of another context, too small or not aligned
   * @throws IllegalStateException if the memory or this program is closed
   */
  public void bind(Value value, DeviceBuffer place) {
    requireOpen();
    slots.of(value).put(place, context);
    changed = true;
  }

  /** Size of the workspace in bytes; 0 if none is needed. */
  public long workspaceBytes() {
    return workspace.bytes();
  }

  /**
   * From the next run on, intermediate results are in this memory of the caller, at a multiple of
   * {@value #WORKSPACE_ALIGNMENT} bytes. Its content is undefined before and after a run. A
   * workspace that was allocated here before is freed when this program is closed.
   *
   * @throws IllegalArgumentException if it is smaller than {@link #workspaceBytes}, or as {@link
   *     #bind}
   */
  public void workspace(DeviceBuffer place) {
    requireOpen();
    workspace.put(place, context);
    changed = true;
  }

  /** Bytes of device memory that this program has allocated: workspace and constants. */
  public long allocatedBytes() {
    return memory.bytes();
  }

  /** A line a node: which kernels run it, and how they are launched. */
  public String explain() {
    return recording.steps().stream()
        .map(step -> Explainer.line(recording, step))
        .collect(Collectors.joining("\n"));
  }

  /**
   * The same as data, with every implementation of every op and what each node costs. May load
   * libraries.
   */
  public Explanation explanation() {
    requireOpen();
    Explanation[] result = new Explanation[1];
    context.whileCurrent(
        () -> result[0] = Explainer.explain(recording, precision, selection, node -> ""));
    return result[0];
  }

  /**
   * Puts one run into a stream.
   *
   * @throws IllegalArgumentException if the stream belongs to another context, or what is written
   *     overlaps something else that is bound
   * @throws IllegalStateException if a value is not bound, the workspace is missing, or memory, the
   *     stream or this program is closed; nothing runs then
   * @throws BackendException if the driver refuses a launch, or an earlier one has failed
   */
  public void run(CudaStream stream) {
    requireOpen();
    SlotCommands.requireUsable(stream, context);
    slots.requireUsable();
    if (changed) {
      settle();
    }
    target = stream;
    try {
      context.whileCurrent(enqueue);
    } finally {
      target = null;
    }
  }

  private void enqueue() {
    commands.enqueue(target);
  }

  /** After something was bound: checks all of it, and changes the pointers. Makes no objects. */
  private void settle() {
    if (workspace.bytes() > 0 && workspace.buffer() == null) {
      throw new IllegalStateException(
          "program: no workspace; give one of at least "
              + workspace.bytes()
              + " bytes by workspace(...)");
    }
    slots.requireApart(workspace);
    slots.settle();
    workspace.settle();
    changed = false;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("program: it is closed; compile it again");
    }
  }

  /**
   * Unloads the kernels and frees what was allocated here; the caller's memory stays. Waits for
   * work of the context that may still use it. Never throws.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        context.whileCurrent(free);
      } catch (BackendException | IllegalStateException e) {
        // The context was closed or ended before, and all that was in it with it.
        release();
      }
    }
  }

  private void free() {
    context.settle();
    release();
  }

  private void release() {
    kernels.close();
    recording.close();
    libraries.close();
    memory.close();
  }
}
