package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.KernelImages;
import dev.gridstride.backend.cuda.Simulator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * {@code sim}: the project's own CUDA kernels on the simulated device, which needs no card. For
 * tests and for looking at kernels; slow, and never chosen by {@code auto}.
 */
public final class CudaBackend implements Backend {
  /** For {@link java.util.ServiceLoader}. */
  public CudaBackend() {}

  @Override
  public String name() {
    return "sim";
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public String unavailableReason() {
    return Simulator.unavailableReason();
  }

  @Override
  public List<String> report() {
    List<String> lines = new ArrayList<>();
    lines.add("CUDA kernels without a card: for tests and for looking at kernels; slow");
    for (CudaDevice device : CudaDriver.simulated().devices()) {
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

  @Override
  public Session open(DeviceOptions options) {
    return open(options, SessionOptions.DEFAULT);
  }

  static Session open(DeviceOptions options, SessionOptions memory) {
    List<CudaDevice> devices = CudaDriver.simulated().devices();
    if (options.index() >= devices.size()) {
      throw new BackendException(
          "sim: there "
              + (devices.size() == 1 ? "is only device 0" : "are " + devices.size() + " devices")
              + ", got "
              + options.index());
    }
    return new CudaSession("sim", devices.get(options.index()), memory);
  }
}
