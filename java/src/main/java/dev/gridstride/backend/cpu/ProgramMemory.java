package dev.gridstride.backend.cpu;

import dev.gridstride.backend.BackendException;
import dev.gridstride.program.Node;
import dev.gridstride.program.Op;
import dev.gridstride.program.Program;
import dev.gridstride.program.Shape;
import dev.gridstride.program.Tensor;
import dev.gridstride.program.TensorType;
import dev.gridstride.program.Value;
import dev.gridstride.program.pass.MemoryPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Memory of one program. Batched values lie in an arena a shard, planned by lifetime, so that
 * shards run apart; what shards share has memory of its own.
 */
final class ProgramMemory implements Memory, AutoCloseable {
  private final Map<Value, Storage> storages = new HashMap<>();
  private final List<AutoCloseable> resources = new ArrayList<>();
  private final float[][][] scratch;
  private final long[] scratchpadBytes;
  private final NativeMemory[] scratchpads;
  private final Lowering lowering;
  private final NativeMemory memory;
  private long bytes;

  /**
   * Lays out a program.
   *
   * @param persistent gives the session's storage of a persistent value in a layout
   */
  ProgramMemory(
      Lowering lowering,
      List<Step> order,
      List<Value> outputs,
      BiFunction<Value, Layout, Storage> persistent) {
    this.lowering = lowering;
    int parts = Math.max(lowering.workers(), lowering.sharding().shards());
    scratch = new float[parts][8][0];
    scratchpadBytes = new long[parts];
    scratchpads = new NativeMemory[parts];
    MemoryPlan plan =
        MemoryPlan.of(
            asProgram(order, outputs),
            value -> inArena(value) ? partBytes(value) : 0,
            NativeMemory.ALIGNMENT);
    Map<Value, Long> own = new LinkedHashMap<>();
    long total = Math.multiplyExact(plan.arenaBytes(), (long) lowering.sharding().shards());
    for (Value value : allValues(order, outputs)) {
      if (value.role().persistent()) {
        boolean heap = Lowering.inHeap(value);
        storages.put(value, persistent.apply(value, heap ? null : lowering.layout(value)));
      } else if (Lowering.inHeap(value)) {
        storages.put(
            value, Storage.inHeap(value, Tensor.zeros(value.type()), lowering.sharding().shards()));
      } else if (!inArena(value)) {
        own.put(value, total);
        total += aligned(ownBytes(value));
      }
    }
    checkFits(total, order, outputs);
    memory = NativeMemory.allocate(Math.max(total, 1), "program");
    bytes = total;
    resources.add(memory);
    boolean complete = false;
    try {
      plan.offsets().forEach((value, offset) -> placeInArena(value, offset, plan.arenaBytes()));
      own.forEach(this::placeOwn);
      lowering.constants().forEach((value, content) -> fill(storages.get(value), content));
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  private static List<Value> allValues(List<Step> order, List<Value> outputs) {
    Map<Value, Boolean> values = new LinkedHashMap<>();
    for (Step step : order) {
      step.reads().forEach(value -> values.put(value, true));
      step.writes().forEach(value -> values.put(value, true));
    }
    outputs.forEach(value -> values.put(value, true));
    return List.copyOf(values.keySet());
  }

  /** Steps as nodes, so that the planner sees their lifetimes in the order in which they run. */
  private static Program asProgram(List<Step> order, List<Value> outputs) {
    List<Node> nodes = new ArrayList<>();
    List<Value> written = new ArrayList<>();
    for (Step step : order) {
      List<Value> first = step.writes().stream().filter(v -> !written.contains(v)).toList();
      written.addAll(first);
      List<Value> reads =
          step.reads().stream().filter(v -> v.role().persistent() || written.contains(v)).toList();
      nodes.add(new Node(new StepOp(step.name()), reads, first));
    }
    return Program.of(nodes, outputs.stream().filter(written::contains).toList());
  }

  private record StepOp(String name) implements Op {
    @Override
    public List<TensorType> outputTypes(List<TensorType> inputs) {
      throw new IllegalStateException("a step is typed already");
    }
  }

  private boolean inArena(Value value) {
    return value.batched()
        && !value.role().persistent()
        && !Lowering.inHeap(value)
        && !lowering.contiguous().contains(value);
  }

  private Shape partShape(Value value, int part) {
    return lowering.partShape(value, Step.Mode.SHARDED, part);
  }

  private long partBytes(Value value) {
    return lowering.layout(value).bytes(partShape(value, 0));
  }

  private long ownBytes(Value value) {
    if (value.batched()) {
      return Math.multiplyExact(partBytes(value), (long) lowering.sharding().shards());
    }
    long one = aligned(lowering.layout(value).bytes(value.shape()));
    return lowering.partial(value) ? one * lowering.sharding().shards() : one;
  }

  private static long aligned(long size) {
    return (size + NativeMemory.ALIGNMENT - 1) / NativeMemory.ALIGNMENT * NativeMemory.ALIGNMENT;
  }

  private void placeInArena(Value value, long offset, long arena) {
    BytePointer[] pointers = new BytePointer[lowering.sharding().shards()];
    for (int part = 0; part < pointers.length; part++) {
      long size = lowering.layout(value).bytes(partShape(value, part));
      pointers[part] = memory.at(part * arena + offset, checkSize(value, size));
    }
    storages.put(value, Storage.inNative(value, lowering.layout(value), pointers));
  }

  private void placeOwn(Value value, long offset) {
    Layout layout = lowering.layout(value);
    if (value.batched()) {
      storages.put(value, contiguous(value, layout, memory, offset, lowering.sharding()));
      return;
    }
    long size = checkSize(value, layout.bytes(value.shape()));
    BytePointer[] pointers =
        new BytePointer[lowering.partial(value) ? lowering.sharding().shards() : 1];
    for (int part = 0; part < pointers.length; part++) {
      pointers[part] = memory.at(offset + part * aligned(size), size);
    }
    storages.put(value, Storage.inNative(value, layout, pointers));
  }

  /** A batched value in one piece, which can be read whole or by shards. */
  static Storage contiguous(
      Value value, Layout layout, NativeMemory memory, long offset, Sharding sharding) {
    long total = layout.bytes(value.shape());
    long perRow = total / value.shape().dim(0);
    BytePointer[] pointers = new BytePointer[sharding.shards()];
    for (int part = 0; part < pointers.length; part++) {
      long start = perRow * sharding.start(part);
      long length = sharding.shards() == 1 ? total : perRow * sharding.size(part);
      pointers[part] = memory.at(offset + start, checkSize(value, length));
    }
    BytePointer whole = memory.at(offset, checkSize(value, total));
    return Storage.contiguous(value, layout, whole, pointers);
  }

  static long checkSize(Value value, long bytes) {
    if (bytes > Integer.MAX_VALUE) {
      throw new BackendException(
          "cpu: "
              + value
              + " needs "
              + bytes
              + " bytes in one piece, the most is 2^31 - 1; use a smaller batch or more threads");
    }
    return bytes;
  }

  private void checkFits(long wanted, List<Step> order, List<Value> outputs) {
    long free = Pointer.availablePhysicalBytes();
    if (wanted <= free) {
      return;
    }
    List<String> largest =
        allValues(order, outputs).stream()
            .filter(v -> !v.role().persistent() && !Lowering.inHeap(v))
            .sorted(Comparator.comparingLong(this::ownBytes).reversed())
            .limit(3)
            .map(v -> v + " (" + ownBytes(v) + " bytes)")
            .toList();
    long rows = lowering.sharding().rows();
    throw new BackendException(
        "cpu: out of memory: a program wants "
            + wanted
            + " bytes, free are "
            + free
            + "; its largest values are "
            + String.join(", ", largest)
            + "; a batch of about "
            + Math.max(1, (long) (rows * ((double) free / wanted) * 0.9))
            + " would fit");
  }

  private static void fill(Storage storage, float content) {
    if (storage.inHeap()) {
      Arrays.fill(storage.heap.floats(), content);
      return;
    }
    for (var floats : storage.floats) {
      for (int i = 0; i < floats.capacity(); i++) {
        floats.put(i, content);
      }
    }
  }

  @Override
  public Storage of(Value value) {
    Storage storage = storages.get(value);
    if (storage == null) {
      throw new IllegalStateException("cpu: no memory for " + value);
    }
    return storage;
  }

  @Override
  public BytePointer scratchpad(int part, long wanted) {
    if (scratchpads[part] == null || scratchpadBytes[part] < wanted) {
      scratchpads[part] = NativeMemory.allocate(wanted, "scratch memory of a primitive");
      scratchpadBytes[part] = wanted;
      bytes += wanted;
      resources.add(scratchpads[part]);
    }
    return scratchpads[part].at(0, wanted);
  }

  @Override
  public float[] scratch(int part, int slot, int length) {
    if (scratch[part][slot].length < length) {
      scratch[part][slot] = new float[length];
    }
    return scratch[part][slot];
  }

  @Override
  public void onClose(AutoCloseable resource) {
    resources.add(resource);
  }

  long bytes() {
    return bytes;
  }

  int allocations() {
    return 1 + (int) Arrays.stream(scratchpads).filter(s -> s != null).count();
  }

  @Override
  public void close() {
    for (int i = resources.size() - 1; i >= 0; i--) {
      try {
        resources.get(i).close();
      } catch (Exception e) {
        // Closing must not hide another error; native handles have no other failure than being
        // closed.
      }
    }
    resources.clear();
  }
}
