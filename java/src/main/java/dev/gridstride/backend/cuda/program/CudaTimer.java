package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Sampling;
import dev.gridstride.backend.Timing;
import dev.gridstride.backend.TimingOptions;
import dev.gridstride.backend.cuda.CardClocks;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaGraph;
import dev.gridstride.backend.cuda.CudaGraphExec;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Times runs by events on the stream, so that nothing of the host's time is in a sample.
 *
 * <p>Cold: before each sample a buffer of twice the L2 is filled, as often as it takes for the host
 * to put the sample's launches on the stream meanwhile; they then follow each other as fast as the
 * device goes. The launches are plain ones: starting a graph takes the device longer than starting
 * a kernel, which would count in full for a single run.
 *
 * <p>Warm: a sample is one graph that holds many runs, which is how a program runs in training; the
 * start of the graph counts as a small part of each.
 */
final class CudaTimer implements AutoCloseable {
  static final String SIMULATED =
      "simulated device: its times are those of a CPU and say nothing about a card";

  /** The flush takes so many times as long as the host needs to put a run on the stream. */
  private static final int HEAD_START = 4;

  private static final int MOST_FLUSHES = 100;

  /** Samples on the stream at once, so that it does not run dry between them. */
  private static final int MOST_IN_FLIGHT = 32;

  /** A warm sample takes about so long: the start of its graph is then some thousandths of it. */
  private static final double SAMPLE_NANOS = 1e6;

  /** Pieces of work in a warm sample's graph. */
  private static final int MOST_NODES = 4096;

  private static final int HOST_SAMPLES = 101;
  private static final long HOST_NANOS = 50_000_000;

  /** How long a throttled card rests before the next samples. */
  private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /**
   * What is timed.
   *
   * @param commands launches, copies and fills in a run
   * @param enqueue puts one run on a stream, launch by launch
   * @param replay runs the program once as it is
   * @param feeds brings what the runs fetch from the host
   */
  record Work(int commands, Consumer<CudaStream> enqueue, Runnable replay, DataFeeds feeds) {}

  private final CudaContext context;
  private final CudaStream stream;
  private final Work work;
  private final CardClocks clocks;
  private final List<CudaEvent> marks = new ArrayList<>();

  CudaTimer(CudaContext context, CudaStream stream, Work work, CardClocks clocks) {
    this.context = context;
    this.stream = stream;
    this.work = work;
    this.clocks = clocks;
    boolean complete = false;
    try {
      for (int i = 0; i < 2 * MOST_IN_FLIGHT; i++) {
        marks.add(context.createTimingEvent());
      }
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  /** Warms up and takes the samples. */
  Timing time(TimingOptions options) {
    long begin = System.nanoTime();
    do {
      work.replay().run();
      stream.synchronize();
    } while (System.nanoTime() - begin < options.warmUp().toNanos());
    return options.cache() == TimingOptions.Cache.COLD ? cold(options) : warm(options);
  }

  private Timing cold(TimingOptions options) {
    double hostNanos = hostNanos();
    long bytes = Math.max(1 << 20, 2L * context.device().l2Bytes());
    try (DeviceBuffer flushed = context.allocate(bytes, "flush of the L2")) {
      int flushes = flushes(flushed);
      Runnable flush =
          () -> {
            for (int i = 0; i < flushes; i++) {
              flushed.fill((byte) 0, stream);
            }
          };
      try {
        return sample(options, () -> {}, flush, this::enqueueOne, 1, hostNanos);
      } finally {
        stream.settle();
      }
    }
  }

  /** How often the buffer is filled for the host to be ahead when the sample begins. */
  private int flushes(DeviceBuffer flushed) {
    double[] device = new double[3];
    double[] host = new double[3];
    for (int i = 0; i < device.length; i++) {
      marks.get(0).record(stream);
      flushed.fill((byte) 0, stream);
      marks.get(1).record(stream);
      long start = System.nanoTime();
      enqueueOne();
      host[i] = System.nanoTime() - start;
      stream.synchronize();
      device[i] = nanos(0);
    }
    double wanted = HEAD_START * Sampling.median(host) / Math.max(1, Sampling.median(device));
    return (int) Math.max(1, Math.min(MOST_FLUSHES, Math.ceil(wanted)));
  }

  private Timing warm(TimingOptions options) {
    double hostNanos = hostNanos();
    marks.get(0).record(stream);
    enqueueOne();
    marks.get(1).record(stream);
    stream.synchronize();
    int most = Math.max(1, Math.min(work.feeds().most(), MOST_NODES / work.commands()));
    int runs = (int) Math.max(1, Math.min(most, SAMPLE_NANOS / Math.max(1, nanos(0))));
    try (CudaGraphExec graph = record(runs)) {
      try {
        Runnable launch = () -> enqueue(runs, () -> graph.launch(stream));
        return sample(options, launch, () -> {}, launch, runs, hostNanos);
      } finally {
        stream.settle();
      }
    }
  }

  private CudaGraphExec record(int runs) {
    boolean complete = false;
    try {
      stream.beginCapture();
      for (int i = 0; i < runs; i++) {
        work.enqueue().accept(stream);
      }
      try (CudaGraph graph = stream.endCapture()) {
        CudaGraphExec made = graph.instantiate();
        complete = true;
        return made;
      }
    } finally {
      if (!complete) {
        stream.abandonCapture();
      }
    }
  }

  private void enqueueOne() {
    enqueue(1, () -> work.enqueue().accept(stream));
  }

  private void enqueue(int runs, Runnable launches) {
    work.feeds().before(runs);
    launches.run();
    work.feeds().after(runs);
  }

  /**
   * Takes samples in groups, each put on the stream at once, and looks at the clocks while a group
   * is under way.
   *
   * @param lead keeps the device busy until the host has begun a group
   * @param flush goes before each sample
   * @param runs in one {@code launch}
   */
  private Timing sample(
      TimingOptions options,
      Runnable lead,
      Runnable flush,
      Runnable launch,
      int runs,
      double hostNanos) {
    Sampling sampling = new Sampling(options);
    int group = 1;
    do {
      int count = Math.min(group, sampling.room());
      long start = System.nanoTime();
      lead.run();
      for (int i = 0; i < count; i++) {
        flush.run();
        marks.get(2 * i).record(stream);
        launch.run();
        marks.get(2 * i + 1).record(stream);
      }
      boolean throttled = clocks.look();
      stream.synchronize();
      for (int i = 0; i < count; i++) {
        if (throttled) {
          sampling.drop();
        } else {
          sampling.add(nanos(i) / runs);
        }
      }
      if (throttled) {
        LockSupport.parkNanos(REST_NANOS);
      } else if (System.nanoTime() - start < REST_NANOS / 2) {
        group = Math.min(2 * group, MOST_IN_FLIGHT);
      }
    } while (!sampling.isDone());
    String note = context.device().driver().isSimulated() ? SIMULATED : clocks.problem();
    return sampling.result(runs, hostNanos, clocks.seen(), note);
  }

  /** Between the marks of a sample. */
  private double nanos(int sample) {
    return marks.get(2 * sample + 1).millisSince(marks.get(2 * sample)) * 1e6;
  }

  /** Median of a run's call, with nothing before it on the stream that it would wait for. */
  private double hostNanos() {
    List<Double> nanos = new ArrayList<>();
    long begin = System.nanoTime();
    do {
      stream.synchronize();
      long start = System.nanoTime();
      work.replay().run();
      nanos.add((double) (System.nanoTime() - start));
    } while (nanos.size() < HOST_SAMPLES && System.nanoTime() - begin < HOST_NANOS);
    stream.synchronize();
    return Sampling.median(nanos.stream().mapToDouble(Double::doubleValue).toArray());
  }

  @Override
  public void close() {
    marks.forEach(CudaEvent::close);
  }
}
