package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.PinnedBuffer;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Copies rows to the device on a stream of its own, through two pinned buffers: while the device
 * reads one, the host fills the other.
 */
final class Upload implements AutoCloseable {
  static final int BUFFER_BYTES = 4 << 20;
  private static final int BUFFERS = 2;

  /** Pinned memory, and when the device has read it. */
  private static final class Staging implements AutoCloseable {
    private final PinnedBuffer pinned;
    private final CudaEvent read;
    private final ByteBuffer bytes;
    private final FloatBuffer floats;
    private final IntBuffer ints;

    Staging(CudaContext context) {
      pinned = context.allocatePinned(BUFFER_BYTES);
      try {
        read = context.createEvent();
      } catch (BackendException e) {
        pinned.close();
        throw e;
      }
      bytes = pinned.memory();
      floats = bytes.asFloatBuffer();
      ints = bytes.asIntBuffer();
    }

    /** Takes elements of a tensor to byte {@code to} of this buffer. */
    void put(int to, HostData data, int from, int count) {
      switch (data.type().dtype()) {
        case UINT8 -> bytes.put(to, data.get().bytes(), from, count);
        case FLOAT32 -> floats.put(to / Float.BYTES, data.get().floats(), from, count);
        case INT32 -> ints.put(to / Integer.BYTES, data.get().ints(), from, count);
        default -> throw new IllegalArgumentException("upload: no rows of " + data.type());
      }
    }

    @Override
    public void close() {
      read.close();
      pinned.close();
    }
  }

  private final CudaStream stream;
  private final List<Staging> stagings = new ArrayList<>();
  private int turn;

  Upload(CudaContext context) {
    stream = context.createNonBlockingStream();
    boolean complete = false;
    try {
      for (int i = 0; i < BUFFERS; i++) {
        stagings.add(new Staging(context));
      }
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  /** Where the copies go, in their order. */
  CudaStream stream() {
    return stream;
  }

  /**
   * Copies rows {@code rows[0]}, {@code rows[1]}, ... of {@code data} side by side to the begin of
   * {@code to}. Returns when all are on their way; waits only while both buffers are.
   */
  void send(HostData data, int[] rows, DeviceBuffer to) {
    int size = data.type().dtype().bytes();
    int rowElements = data.rowElements();
    int room = BUFFER_BYTES / size;
    long sent = 0;
    int filled = 0;
    Staging staging = free();
    for (int row : rows) {
      int from = row * rowElements;
      int left = rowElements;
      while (left > 0) {
        if (filled == room) {
          sent += send(staging, filled * size, to, sent);
          staging = free();
          filled = 0;
        }
        int part = Math.min(left, room - filled);
        staging.put(filled * size, data, from, part);
        filled += part;
        from += part;
        left -= part;
      }
    }
    send(staging, filled * size, to, sent);
  }

  /** The buffer whose turn it is, as soon as the device has read what was in it. */
  private Staging free() {
    Staging staging = stagings.get(turn);
    turn = (turn + 1) % BUFFERS;
    staging.read.synchronize();
    return staging;
  }

  private int send(Staging staging, int bytes, DeviceBuffer to, long offset) {
    to.slice(offset, bytes).writeAsync(staging.bytes.position(0).limit(bytes), stream);
    staging.bytes.clear();
    staging.read.record(stream);
    return bytes;
  }

  /** Waits for all copies; their memory may be freed afterwards. */
  void synchronize() {
    stream.synchronize();
  }

  @Override
  public void close() {
    stagings.forEach(Staging::close);
    stream.close();
  }
}
