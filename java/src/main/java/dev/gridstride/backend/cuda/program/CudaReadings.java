package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.Readings;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaGraph;
import dev.gridstride.backend.cuda.CudaGraphExec;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import dev.gridstride.backend.cuda.PinnedBuffer;
import dev.gridstride.program.DataType;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Readings by copies into pinned memory on the session's stream, between the runs before and after,
 * so all values are of the same moment. Makes no objects once it is open.
 */
final class CudaReadings implements Readings {
  /** A scalar on the device. */
  record Source(DeviceBuffer buffer, DataType dtype) {}

  private final CudaSession session;
  private final String what;
  private final CudaStream stream;
  private final DataType[] types;
  private final double[] values;
  private final PinnedBuffer pinned;
  private final ByteBuffer bytes;
  private final CudaEvent copied;
  private final CudaGraphExec copies;
  private boolean open;

  /**
   * Opens readings.
   *
   * @param what they are for, for messages
   */
  CudaReadings(CudaSession session, String what, List<Source> sources) {
    this.session = session;
    this.what = what;
    stream = session.stream();
    types = sources.stream().map(Source::dtype).toArray(DataType[]::new);
    values = new double[types.length];
    pinned = session.context().allocatePinned((long) Long.BYTES * types.length);
    bytes = pinned.memory();
    boolean complete = false;
    try {
      copied = session.context().createEvent();
      copies = record(sources);
      complete = true;
    } finally {
      if (!complete) {
        pinned.close();
      }
    }
  }

  private CudaGraphExec record(List<Source> sources) {
    boolean complete = false;
    try {
      stream.beginCapture();
      for (int i = 0; i < types.length; i++) {
        ByteBuffer place = bytes.slice(Long.BYTES * i, types[i].bytes());
        sources.get(i).buffer().readAsync(place, stream);
      }
      try (CudaGraph graph = stream.endCapture()) {
        CudaGraphExec exec = graph.instantiate();
        complete = true;
        return exec;
      }
    } finally {
      if (!complete) {
        stream.abandonCapture();
        copied.close();
      }
    }
  }

  @Override
  public void request() {
    if (!open) {
      try {
        copies.launch(stream);
        copied.record(stream);
      } catch (BackendException e) {
        throw session.failed(what, e);
      }
      open = true;
    }
  }

  @Override
  public boolean poll() {
    try {
      if (open && copied.isDone()) {
        take();
      }
    } catch (BackendException e) {
      throw session.failed(what, e);
    }
    return !open;
  }

  @Override
  public void await() {
    try {
      if (open) {
        copied.synchronize();
        take();
      }
    } catch (BackendException e) {
      throw session.failed(what, e);
    }
  }

  private void take() {
    for (int i = 0; i < values.length; i++) {
      values[i] = Transfer.scalar(bytes, Long.BYTES * i, types[i]);
    }
    open = false;
  }

  @Override
  public double get(int index) {
    return values[index];
  }

  @Override
  public void close() {
    if (open) {
      session.settle();
    }
    copies.close();
    copied.close();
    pinned.close();
  }
}
