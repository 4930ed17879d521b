package dev.gridstride.backend;

/**
 * What a caller asks of a device.
 *
 * @param index which of several devices of this kind, from 0
 * @param threads worker threads of a CPU device; 0 means one for each processor
 * @param precision of convolutions and matrix products
 * @param implementations which implementation of each op, on CUDA devices
 */
public record DeviceOptions(
    int index, int threads, Precision precision, ImplementationChoice implementations) {
  /** Device 0 with as many threads as there are processors, in float32, by own kernels. */
  public static final DeviceOptions DEFAULT =
      new DeviceOptions(0, 0, Precision.FLOAT32, ImplementationChoice.DEFAULT);

  /** Checks the ranges. */
  public DeviceOptions {
    if (index < 0 || threads < 0) {
      throw new BackendException(
          "device: index and threads must not be negative, got " + index + " and " + threads);
    }
  }

  /** The same of another device of this kind. */
  public DeviceOptions withIndex(int value) {
    return new DeviceOptions(value, threads, precision, implementations);
  }

  /** The same with this many threads. */
  public DeviceOptions withThreads(int value) {
    return new DeviceOptions(index, value, precision, implementations);
  }

  /** The same in this precision. */
  public DeviceOptions withPrecision(Precision value) {
    return new DeviceOptions(index, threads, value, implementations);
  }

  /** The same with these implementations. */
  public DeviceOptions withImplementations(ImplementationChoice value) {
    return new DeviceOptions(index, threads, precision, value);
  }

  /**
   * For a device that knows float32 alone and has one implementation of each op.
   *
   * @throws UnsupportedOpException if another precision is asked for
   * @throws BackendException if an implementation is
   */
  public void requireDefaults(String device) {
    if (precision != Precision.FLOAT32) {
      throw new UnsupportedOpException(
          device
              + ": precision "
              + precision
              + " needs a CUDA card (--device cuda) or the simulated one (--device sim); this"
              + " device has --precision float32 alone");
    }
    if (!implementations.equals(ImplementationChoice.DEFAULT)) {
      throw new BackendException(
          device
              + ": implementations "
              + implementations
              + " are for CUDA devices (--device cuda or sim); this device has one of each op:"
              + " leave --impl out, or say --impl own");
    }
  }
}
