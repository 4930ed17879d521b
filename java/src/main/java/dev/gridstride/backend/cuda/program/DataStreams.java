package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.program.Node;
import dev.gridstride.program.Program;
import dev.gridstride.program.ProgramException;
import dev.gridstride.program.Role;
import dev.gridstride.program.Value;
import dev.gridstride.program.op.FetchBatch;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The data sets of a session that do not fit the device: they stay on the host, and the rows that
 * the programs fetch pass through rings. Programs that fetch the same data by the same cursor in
 * the same order share a ring, so that one goes on where the other ended.
 */
final class DataStreams implements AutoCloseable {
  /** Inputs of a fetch. */
  private static final int SAMPLES = 0;

  private static final int LABELS = 1;
  static final int CURSOR = 2;

  /** What a ring carries: the tensors of a data set, null for one that is on the device. */
  private record Key(HostData samples, HostData labels, RowOrder order, String cursor) {
    RowRing ring(int batch, long room) {
      List<HostData> columns = Stream.of(samples, labels).filter(Objects::nonNull).toList();
      long rowBytes = columns.stream().mapToLong(HostData::rowBytes).sum();
      return new RowRing(
          columns, order, RowRing.Size.fitting(batch, rowBytes, order.count(), room));
    }
  }

  /** A ring and how many executables fetch from it. */
  private static final class Shared {
    private final Key key;
    private final RowRing ring;
    private int users;

    Shared(Key key, RowRing ring) {
      this.key = key;
      this.ring = ring;
    }
  }

  private final CudaContext context;
  private final CudaStream stream;
  private final boolean guards;
  private final Map<String, HostData> hosted = new LinkedHashMap<>();
  private final List<Shared> shared = new ArrayList<>();
  private final Cursors cursors = new Cursors();

  /** Made with the first ring. */
  private Upload upload;

  private int allocations;

  /**
   * No data sets.
   *
   * @param stream of the launches
   * @param guards zones round the rings
   */
  DataStreams(CudaContext context, CudaStream stream, boolean guards) {
    this.context = context;
    this.stream = stream;
    this.guards = guards;
  }

  /** The same, to try plans on. */
  DataStreams copy() {
    DataStreams copy = new DataStreams(context, stream, guards);
    copy.hosted.putAll(hosted);
    copy.shared.addAll(shared);
    return copy;
  }

  /** The session's counters as the host knows them. */
  Cursors cursors() {
    return cursors;
  }

  /** The tensor of this name, or null if it does not stream. */
  HostData hosted(String name) {
    return hosted.get(name);
  }

  /** What streams: names and sizes; empty if nothing does. */
  String describe() {
    return hosted.values().stream()
        .map(data -> String.format(Locale.ROOT, "%s (%,d bytes)", data.name(), data.type().bytes()))
        .collect(Collectors.joining(", "));
  }

  /** Bytes of all rings. */
  long bytes() {
    return shared.stream().mapToLong(one -> bytes(one.ring.memories().values())).sum();
  }

  private static long bytes(Collection<Place.Memory> memories) {
    return memories.stream().mapToLong(memory -> Block.allocated(memory.bytes)).sum();
  }

  /** How often device memory was allocated. */
  int allocations() {
    return allocations;
  }

  void checkGuards(Object after) {
    shared.forEach(one -> one.ring.checkGuards(after));
  }

  /**
   * Whether a value can stream: it is read by one fetch alone, whose cursor the host can follow.
   */
  static boolean canStream(Value value, Program program) {
    List<Node> readers =
        program.nodes().stream().filter(node -> node.inputs().contains(value)).toList();
    return value.role() == Role.DATA
        && !program.outputs().contains(value)
        && readers.size() == 1
        && readers.get(0).op() instanceof FetchBatch
        && canFollow(readers.get(0).input(CURSOR), program);
  }

  private static boolean canFollow(Value cursor, Program program) {
    return cursor.role().persistent() && Cursors.onlyIncremented(cursor, program);
  }

  /**
   * The rings of a program.
   *
   * @param fresh values that stream from now on
   * @param room bytes that a new ring should not exceed if it can do with them
   * @throws BackendException if the program does something else with a value that streams
   */
  Plan plan(Program program, Collection<Value> fresh, long room) {
    return new Plan(program, fresh, room);
  }

  /** From now on, what is planned is here. */
  void keep(Plan plan) {
    hosted.putAll(plan.fresh);
    plan.fetches.stream().filter(Fetch::isNew).map(Fetch::from).distinct().forEach(shared::add);
  }

  /** A fetch of a program, and whence its rows. */
  private record Fetch(Node node, Shared from, boolean isNew) {}

  /** What a program fetches from the host. */
  final class Plan {
    private final Program program;
    private final Map<String, HostData> fresh = new LinkedHashMap<>();
    private final List<Fetch> fetches = new ArrayList<>();
    private final Map<Value, Place.Memory> memories = new HashMap<>();

    private Plan(Program program, Collection<Value> values, long room) {
      this.program = program;
      values.forEach(value -> fresh.put(value.name(), new HostData(value.name(), value.type())));
      for (Value value : program.values()) {
        checkSameType(value);
        if (streams(value) && !canStream(value, program)) {
          throw new BackendException(
              "cuda: "
                  + value.name()
                  + " does not fit the device and streams from the host; so a program can read it"
                  + " by one fetch_batch alone, with a cursor that is incremented and not changed"
                  + " otherwise");
        }
      }
      for (Node node : program.nodes()) {
        if (node.op() instanceof FetchBatch op
            && (streams(node.input(SAMPLES)) || streams(node.input(LABELS)))) {
          plan(node, op, room);
        }
      }
    }

    private void checkSameType(Value value) {
      HostData known = hosted.get(value.name());
      if (known != null && !known.type().equals(value.type())) {
        throw new ProgramException(
            "cuda: another program of this session has "
                + value.name()
                + " as "
                + known.type()
                + ", this one as "
                + value.type());
      }
    }

    private HostData find(Value value) {
      return hosted.getOrDefault(value.name(), fresh.get(value.name()));
    }

    private void plan(Node node, FetchBatch op, long room) {
      Key key =
          new Key(
              find(node.input(SAMPLES)),
              find(node.input(LABELS)),
              RowOrder.of(op, node.input(SAMPLES).shape().dim(0)),
              node.input(CURSOR).name());
      Shared known =
          shared.stream()
              .filter(one -> one.key.equals(key) && one.ring.size().takes(op.batchSize()))
              .findFirst()
              .orElse(null);
      Shared from = known != null ? known : new Shared(key, key.ring(op.batchSize(), room));
      fetches.add(new Fetch(node, from, known == null));
      from.ring.memories().forEach((data, memory) -> put(node, data, memory));
    }

    private void put(Node node, HostData data, Place.Memory memory) {
      for (int input : new int[] {SAMPLES, LABELS}) {
        if (find(node.input(input)) == data) {
          memories.put(node.input(input), memory);
        }
      }
    }

    /** Whether there is anything to fetch from the host. */
    boolean isEmpty() {
      return fetches.isEmpty();
    }

    /** Whether the value stays on the host. */
    boolean streams(Value value) {
      return find(value) != null;
    }

    /** The memory of a value's rows, or null if it does not stream. */
    Place.Memory memory(Value value) {
      return memories.get(value);
    }

    /** Memory of the rings that the program brings. */
    List<Place.Memory> added() {
      return fetches.stream()
          .filter(Fetch::isNew)
          .flatMap(fetch -> fetch.from().ring.memories().values().stream())
          .toList();
    }

    /** Its size. */
    long bytes() {
      return DataStreams.bytes(added());
    }

    /** Allocates it, all or nothing. */
    void allocate() {
      boolean complete = false;
      try {
        for (Fetch fetch : fetches) {
          if (fetch.isNew()) {
            open(fetch.from().ring);
          }
        }
        complete = true;
      } finally {
        if (!complete) {
          free();
        }
      }
    }

    /** Frees what {@link #allocate} has allocated, if it is not to be kept. */
    void free() {
      fetches.stream().filter(Fetch::isNew).forEach(fetch -> fetch.from().ring.close());
    }

    /**
     * What keeps the rings filled; to be closed with the executable.
     *
     * @param device reads a scalar from it
     */
    DataFeeds feeds(ToDoubleFunction<Value> device) {
      List<DataFeeds.Feed> feeds = new ArrayList<>();
      for (Fetch fetch : fetches) {
        Value cursor = fetch.node().input(CURSOR);
        feeds.add(
            new DataFeeds.Feed(
                fetch.node(),
                fetch.from().ring,
                cursors.of(cursor.name()),
                Cursors.before(fetch.node(), cursor, program),
                Cursors.perRun(cursor, program),
                ((FetchBatch) fetch.node().op()).batchSize()));
        fetch.from().users++;
      }
      List<Shared> rings = fetches.stream().map(Fetch::from).toList();
      return new DataFeeds(
          feeds,
          cursors.changes(program),
          stream,
          device,
          () -> rings.forEach(DataStreams.this::release));
    }
  }

  private void open(RowRing ring) {
    if (upload == null) {
      upload = new Upload(context);
    }
    ring.open(upload, new DeviceMemory(context, guards), stream);
    allocations += ring.memories().size();
  }

  private void release(Shared ring) {
    if (--ring.users == 0) {
      ring.ring.close();
      shared.remove(ring);
    }
  }

  /** Frees the rings; launches that read them must be done. */
  @Override
  public void close() {
    shared.forEach(one -> one.ring.close());
    shared.clear();
    if (upload != null) {
      upload.close();
    }
  }
}
