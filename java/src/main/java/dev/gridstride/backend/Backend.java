package dev.gridstride.backend;

import java.util.List;

/**
 * A kind of device that compiles and runs programs. Implementations are listed in {@code
 * META-INF/services} and found by {@link Backends}; creating one is cheap and loads no native
 * library.
 */
public interface Backend {
  /** The name users type, for example {@code cpu}. */
  String name();

  /**
   * Order among the backends that {@code auto} tries, highest first; 0 or less is never chosen by
   * {@code auto}.
   */
  int priority();

  /**
   * Why this backend cannot be used on this machine and how to mend it, or null if it can. May load
   * native libraries.
   */
  String unavailableReason();

  /**
   * Lines for {@code gridstride doctor}: devices, versions, native libraries, and what is missing
   * by name. Empty by default. Also asked of a backend that is not available.
   */
  default List<String> report() {
    return List.of();
  }

  /**
   * Checks of this backend that no op reaches, for {@code gridstride selftest}; none by default.
   * Each opens what it needs when it runs.
   */
  default List<SelfCheck> checks(DeviceOptions options) {
    return List.of();
  }

  /**
   * Opens a session: memory for persistent values, and whatever threads or contexts the device
   * needs.
   *
   * @throws BackendException if the device is not available or an option does not fit it
   */
  Session open(DeviceOptions options);
}
