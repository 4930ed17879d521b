package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.KernelImages;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

  /** What reports say of a device. */
  static Map<String, String> facts(CudaDevice device) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("driver", device.driver().toString());
    facts.put("device_name", device.name());
    facts.put("compute_capability", device.computeCapability().toString());
    facts.put("multiprocessors", Integer.toString(device.multiprocessors()));
    facts.put("memory_bytes", Long.toString(device.memoryBytes()));
    KernelImages.describe(device).forEach((file, image) -> facts.put(Session.IMAGE + file, image));
    return facts;
  }
}
