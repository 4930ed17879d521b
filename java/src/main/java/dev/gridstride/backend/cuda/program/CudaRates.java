package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Rates;
import dev.gridstride.backend.Sampling;
import dev.gridstride.backend.cuda.CudaContext;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaEvent;
import dev.gridstride.backend.cuda.CudaStream;
import dev.gridstride.backend.cuda.DeviceBuffer;
import java.util.Locale;

/** What a device can do at best: its copy rate by trial, its peak by its data. */
final class CudaRates {
  private static final long BYTES = 256L << 20;
  private static final long SIMULATED_BYTES = 16L << 20;
  private static final int CACHES = 4;
  private static final int COPIES = 21;
  private static final int WARM_UP = 3;

  private CudaRates() {}

  static Rates of(CudaContext context, CudaStream stream) {
    CudaDevice device = context.device();
    boolean simulated = device.driver().isSimulated();
    long wanted = simulated ? SIMULATED_BYTES : Math.max(BYTES, (long) CACHES * device.l2Bytes());
    long bytes = Math.min(wanted, context.freeBytes() / 4) & -256;
    double seconds = copySeconds(context, stream, bytes);
    String how =
        String.format(
            Locale.ROOT,
            "bytes read and written by copying %,d MiB on the device, median of %d%s",
            bytes >> 20,
            COPIES,
            simulated ? "; " + CudaTimer.SIMULATED : "");
    return new Rates(2 * bytes / seconds, how, device.peakFlops(), device.peakSource());
  }

  private static double copySeconds(CudaContext context, CudaStream stream, long bytes) {
    double[] millis = new double[COPIES];
    try (DeviceBuffer from = context.allocate(bytes, "copy, source");
        DeviceBuffer to = context.allocate(bytes, "copy, target");
        CudaEvent start = context.createTimingEvent();
        CudaEvent end = context.createTimingEvent()) {
      try {
        from.fill((byte) 1, stream);
        for (int i = 0; i < WARM_UP; i++) {
          to.copyFrom(from, stream);
        }
        for (int i = 0; i < COPIES; i++) {
          start.record(stream);
          to.copyFrom(from, stream);
          end.record(stream);
          end.synchronize();
          millis[i] = end.millisSince(start);
        }
      } finally {
        stream.settle();
      }
    }
    return Sampling.median(millis) / 1e3;
  }
}
