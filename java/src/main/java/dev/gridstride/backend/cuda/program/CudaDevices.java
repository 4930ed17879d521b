package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.KernelImages;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What the backends {@code cuda} and {@code sim} share. */
final class CudaDevices {
  private CudaDevices() {}

  /**
   * The device that is asked for.
   *
   * @param backend its name, for the message
   * @throws BackendException if there is none of this index; the message lists those that there are
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
    return devices.get(options.index());
  }

  static List<String> report(CudaDriver driver) {
    List<String> lines = new ArrayList<>();
    for (CudaDevice device : driver.devices()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%s, compute capability %s, %,d MB",
              device,
              device.computeCapability(),
              device.memoryBytes() >> 20));
    }
    lines.add(KernelImages.names().size() + " kernel files");
    return lines;
  }
}
