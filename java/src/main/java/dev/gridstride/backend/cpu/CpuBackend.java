package dev.gridstride.backend.cpu;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;
import java.util.List;

/** The processor, by oneDNN. */
public final class CpuBackend implements Backend {
  /** For the service loader. */
  public CpuBackend() {}

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int priority() {
    return 10;
  }

  @Override
  public String unavailableReason() {
    try {
      OneDnn.get();
      return null;
    } catch (BackendException e) {
      return e.getMessage();
    }
  }

  @Override
  public List<String> report() {
    if (unavailableReason() != null) {
      return List.of();
    }
    return List.of(
        "oneDNN " + OneDnn.version() + ", instruction set " + OneDnn.instructionSet(),
        "native libraries in " + OneDnn.folder());
  }

  @Override
  public Session open(DeviceOptions options) {
    if (options.index() != 0) {
      throw new BackendException("cpu: no device cpu:" + options.index() + "; there is only cpu:0");
    }
    options.requireDefaults("cpu");
    int threads =
        options.threads() == 0 ? Runtime.getRuntime().availableProcessors() : options.threads();
    return new CpuSession(OneDnn.get(), threads);
  }
}
