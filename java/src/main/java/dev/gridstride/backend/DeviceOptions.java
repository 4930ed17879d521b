package dev.gridstride.backend;

/**
 * What a caller asks of a device.
 *
 * @param index which of several devices of this kind, from 0
 * @param threads worker threads of a CPU device; 0 means one for each processor
 */
public record DeviceOptions(int index, int threads) {
  /** Device 0 with as many threads as there are processors. */
  public static final DeviceOptions DEFAULT = new DeviceOptions(0, 0);

  /** Checks the ranges. */
  public DeviceOptions {
    if (index < 0 || threads < 0) {
      throw new BackendException(
          "device: index and threads must not be negative, got " + index + " and " + threads);
    }
  }
}
