package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The rows of a data set that the device needs now and next. Row {@code position % rows} of each
 * column holds the sample at that position of the order.
 *
 * <p>Rows come chunk by chunk. A chunk is overwritten by the one that lies a ring's length ahead,
 * as soon as the last launch that reads it is done; so copies and launches go on side by side.
 */
final class RowRing implements AutoCloseable {
  private static final int WORD = 4;

  /**
   * How long a ring is.
   *
   * @param chunkRows rows that are copied together
   * @param chunks of which the ring has so many
   */
  record Size(int chunkRows, int chunks) {
    /** Enough for two launches of a batch: one at work, one on its way. */
    static Size of(int batch, int chunkRows) {
      return new Size(chunkRows, Math.toIntExact(2 * most(batch, chunkRows)));
    }

    /**
     * The ring for batches of this size: chunks of about a pinned buffer's size if there is room,
     * else smaller ones. They are whole words of four bytes, so that a copy never writes a word of
     * which a launch reads the rest.
     *
     * @param rowBytes of all columns
     * @param count rows of the data set
     * @param room bytes
     */
    static Size fitting(int batch, long rowBytes, int count, long room) {
      int chunkRows = whole(Math.min(count, Upload.BUFFER_BYTES / rowBytes));
      while (chunkRows > WORD && of(batch, chunkRows).rows() * rowBytes > room) {
        chunkRows -= WORD;
      }
      return of(batch, chunkRows);
    }

    private static int whole(long rows) {
      return (int) Math.max(WORD, rows / WORD * WORD);
    }

    /** The most chunks that so many rows in a row lie in. */
    private static long most(long rows, int chunkRows) {
      return (rows - 1 + chunkRows - 1) / chunkRows + 1;
    }

    long rows() {
      return (long) chunkRows * chunks;
    }

    /** Whether a launch may read so many rows in a row while those of the next are copied. */
    boolean takes(long rows) {
      return 2 * most(rows, chunkRows) <= chunks;
    }
  }

  /** One of the tensors of the data set, and the memory of its rows on the device. */
  private record Column(HostData data, Place.Memory memory) {}

  /** Where a chunk lies. */
  private static final class Slot implements AutoCloseable {
    private final CudaEvent copied;
    private final CudaEvent used;

    /** Number of the chunk that is here or on its way; -1 for none. */
    private long chunk = -1;

    /** Whether the stream of the launches waits for it already. */
    private boolean awaited;

    Slot(CudaContext context) {
      copied = context.createEvent();
      try {
        used = context.createEvent();
      } catch (BackendException e) {
        copied.close();
        throw e;
      }
    }

    @Override
    public void close() {
      copied.close();
      used.close();
    }
  }

  private final RowOrder order;
  private final Size size;
  private final List<Column> columns;
  private final List<Slot> slots = new ArrayList<>();
  private final int[] samples;

  /** Null until this is open. */
  private Upload upload;

  private DeviceMemory device;
  private int version;

  /**
   * A ring without memory.
   *
   * @param data its columns
   */
  RowRing(List<HostData> data, RowOrder order, Size size) {
    this.order = order;
    this.size = size;
    samples = new int[size.chunkRows()];
    columns = data.stream().map(one -> new Column(one, memory(one))).toList();
  }

  /**
   * Allocates its memory.
   *
   * @param rows brings them; shared by rings
   * @param memory to be this ring's alone
   * @param stream of the launches
   */
  void open(Upload rows, DeviceMemory memory, CudaStream stream) {
    upload = rows;
    device = memory;
    boolean complete = false;
    try {
      device.apart(columns.stream().map(Column::memory).toList(), stream);
      for (int i = 0; i < size.chunks(); i++) {
        slots.add(new Slot(stream.context()));
      }
      complete = true;
    } finally {
      if (!complete) {
        free();
      }
    }
  }

  boolean isOpen() {
    return upload != null;
  }

  private Place.Memory memory(HostData data) {
    int rows = Math.toIntExact(size.rows());
    return Place.Memory.ring(
        data.name() + ", of which " + rows + " rows are under way", rows * data.rowBytes(), rows);
  }

  /** The memory of each column. */
  Map<HostData, Place.Memory> memories() {
    Map<HostData, Place.Memory> memories = new LinkedHashMap<>();
    columns.forEach(column -> memories.put(column.data(), column.memory()));
    return memories;
  }

  Size size() {
    return size;
  }

  /** Bytes that it takes on the device. */
  long bytes() {
    return columns.stream().mapToLong(column -> column.memory().bytes).sum();
  }

  /**
   * For example {@code streamed from the host: samples through a ring of 64 rows (196,608 bytes)}.
   */
  String describe() {
    String names =
        columns.stream().map(column -> column.data().name()).collect(Collectors.joining(" and "));
    return String.format(
        Locale.ROOT,
        "streamed from the host: %s through a ring of %,d rows (%,d bytes)",
        names,
        size.rows(),
        bytes());
  }

  private Slot slot(long chunk) {
    return slots.get((int) (chunk % slots.size()));
  }

  private long chunk(long position) {
    return position / size.chunkRows();
  }

  /** Makes what {@code stream} is given next find these rows; they must fit the ring. */
  void load(long first, long rows, CudaStream stream) {
    forgetOldData();
    for (long chunk = chunk(first); chunk <= chunk(first + rows - 1); chunk++) {
      Slot slot = slot(chunk);
      fill(slot, chunk);
      if (!slot.awaited) {
        stream.waitFor(slot.copied);
        slot.awaited = true;
      }
    }
  }

  /** Notes that these rows are read by what {@code stream} was given so far. */
  void used(long first, long rows, CudaStream stream) {
    for (long chunk = chunk(first); chunk <= chunk(first + rows - 1); chunk++) {
      slot(chunk).used.record(stream);
    }
  }

  /** Puts the rows from this position on on their way, as many as the ring holds. */
  void readAhead(long next) {
    for (long chunk = chunk(next); chunk < chunk(next) + slots.size(); chunk++) {
      if (order.leadsTo(next, Math.max(next, chunk * size.chunkRows()))) {
        fill(slot(chunk), chunk);
      }
    }
  }

  private void fill(Slot slot, long chunk) {
    if (slot.chunk == chunk) {
      return;
    }
    slot.chunk = -1;
    slot.awaited = false;
    for (int i = 0; i < samples.length; i++) {
      samples[i] = order.sample(chunk * size.chunkRows() + i);
    }
    upload.stream().waitFor(slot.used);
    long place = chunk % slots.size() * size.chunkRows();
    for (Column column : columns) {
      long rowBytes = column.data().rowBytes();
      upload.send(
          column.data(),
          samples,
          column.memory().buffer().slice(place * rowBytes, samples.length * rowBytes));
    }
    slot.copied.record(upload.stream());
    slot.chunk = chunk;
  }

  private void forgetOldData() {
    int now = columns.stream().mapToInt(column -> column.data().version()).sum();
    if (now != version) {
      version = now;
      slots.forEach(slot -> slot.chunk = -1);
    }
  }

  void checkGuards(Object after) {
    device.checkGuards(after);
  }

  /** Waits for the copies and frees the ring; launches that read it must be done. */
  @Override
  public void close() {
    if (!isOpen()) {
      return;
    }
    try {
      upload.synchronize();
    } catch (BackendException e) {
      // Close paths do not throw; the device's error stays for the next call that asks.
    }
    free();
  }

  private void free() {
    slots.forEach(Slot::close);
    slots.clear();
    device.close();
    upload = null;
  }
}
