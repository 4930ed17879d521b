package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import dev.gridstride.backend.cuda.CudaDevice;
import dev.gridstride.backend.cuda.CudaDriver;
import dev.gridstride.backend.cuda.CudaReport;
import dev.gridstride.backend.cuda.vendor.VendorLibraries;
import java.util.List;

/** {@code cuda}: the project's own CUDA kernels on an NVIDIA card. */
public final class CudaBackend implements Backend {
  /** For {@link java.util.ServiceLoader}. */
  public CudaBackend() {}

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public int priority() {
    return 20;
  }

  @Override
  public String unavailableReason() {
    return CudaDriver.cardUnavailableReason();
  }

  @Override
  public List<String> report() {
    return CudaReport.cards(VendorLibraries::report);
  }

  @Override
  public Session open(DeviceOptions options) {
    return open(options, SessionOptions.DEFAULT);
  }

  static Session open(DeviceOptions options, SessionOptions memory) {
    CudaDevice device = CudaDevices.find("cuda", CudaDriver.card(), options);
    return new CudaSession("cuda", device, options, memory);
  }
}
