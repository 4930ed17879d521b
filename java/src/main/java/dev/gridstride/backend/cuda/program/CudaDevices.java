package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaDriver;
import java.util.List;
import java.util.stream.Collectors;

/** What the backends {@code cuda} and {@code sim} share. */
final class CudaDevices {
  private CudaDevices() {}

  /**
   * The device that is asked for.
   *
   * @param backend its name, for the message
   * @throws BackendException if there is none of this index, in which case the message lists those
   *     that there are, or it is too old
   */
  static CudaDevice find(String backend, CudaDriver driver, DeviceOptions options) {
    List<CudaDevice> devices = driver.devices();
    if (options.index() >= devices.size()) {
      throw new BackendException(
          backend
              + ": no device "
              + backend
              + ":"
              + options.index()
              + "; there "
              + (devices.size() == 1 ? "is only " : "are ")
              + devices.stream()
                  .map(device -> backend + ":" + device.index() + " (" + device.name() + ")")
                  .collect(Collectors.joining(", ")));
    }
    CudaDevice device = devices.get(options.index());
    device.requireSupported();
    return device;
  }
}
