package dev.gridstride.conformance;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.Backends;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A backend with a number of threads.
 *
 * @param backend an available backend
 * @param threads as in {@link DeviceOptions}
 */
public record Device(Backend backend, int threads) {
  /** The oracle's name. */
  public static final String REFERENCE = "reference";

  /**
   * Every available backend; the CPU's with 1 thread, with 2, and with 3, which divides few
   * batches.
   */
  public static List<Device> all() {
    return Backends.all().stream()
        .filter(backend -> backend.unavailableReason() == null)
        .flatMap(Device::variants)
        .toList();
  }

  private static Stream<Device> variants(Backend backend) {
    return backend.name().equals("cpu")
        ? IntStream.rangeClosed(1, 3).mapToObj(threads -> new Device(backend, threads))
        : Stream.of(new Device(backend, 0));
  }

  /** The oracle. */
  public static Device reference() {
    return Backends.all().stream()
        .filter(backend -> backend.name().equals(REFERENCE))
        .map(backend -> new Device(backend, 0))
        .findFirst()
        .orElseThrow();
  }

  /** Opens a session of its own. */
  public Session open() {
    return backend.open(DeviceOptions.DEFAULT.withThreads(threads));
  }

  /** For example {@code cpu with 2 threads}. */
  @Override
  public String toString() {
    return backend.name() + (threads == 0 ? "" : " with " + threads + " threads");
  }
}
