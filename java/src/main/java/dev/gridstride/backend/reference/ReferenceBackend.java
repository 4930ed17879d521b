package dev.gridstride.backend.reference;

import dev.gridstride.backend.Backend;
import dev.gridstride.backend.BackendException;
import dev.gridstride.backend.DeviceOptions;
import dev.gridstride.backend.Session;

/** Runs programs by plain loops in double, on one thread. Always available, never automatic. */
public final class ReferenceBackend implements Backend {
  /** For {@link java.util.ServiceLoader}. */
  public ReferenceBackend() {}

  @Override
  public String name() {
    return "reference";
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public String unavailableReason() {
    return null;
  }

  /** Opens a session; it runs on the caller's thread, whatever {@link DeviceOptions#threads} is. */
  @Override
  public Session open(DeviceOptions options) {
    if (options.index() != 0) {
      throw new BackendException(
          "reference: no device reference:" + options.index() + "; there is only reference:0");
    }
    options.requireDefaults("reference");
    return new ReferenceSession();
  }
}
