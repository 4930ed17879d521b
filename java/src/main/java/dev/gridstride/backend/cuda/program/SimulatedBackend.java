package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaReport;
import dev.gridstride.backend.cuda.Simulator;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import java.util.List;

/**
 * {@code sim}: the project's own CUDA kernels on the simulated device, which needs no card. For
 * tests and for looking at kernels; slow, and never chosen by {@code auto}.
 */
public final class SimulatedBackend implements Backend {
  /** For {@link java.util.ServiceLoader}. */
  public SimulatedBackend() {}

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
    return CudaReport.simulated(VendorLibraries::simulatedReport);
  }

  @Override
  public Session open(DeviceOptions options) {
    return open(options, SessionOptions.DEFAULT);
  }

  static Session open(DeviceOptions options, SessionOptions memory) {
    CudaDevice device = CudaDevices.find("sim", CudaDriver.simulated(), options);
    return new CudaSession("sim", device, options, memory);
  }
}
