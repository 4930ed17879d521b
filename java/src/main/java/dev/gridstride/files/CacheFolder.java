package dev.gridstride.files;

import java.nio.file.Path;
import java.util.Map;

/** Where a user's downloads and compiled kernels are kept. */
public final class CacheFolder {
  private CacheFolder() {}

  /**
   * {@code $GRIDSTRIDE_CACHE}, or else {@code $XDG_CACHE_HOME/gridstride}, or else {@code
   * ~/.cache/gridstride}. It need not be there yet.
   */
  public static Path get() {
    return of(System.getenv(), System.getProperty("user.home"));
  }

  /** The same for other environment variables and another home. */
  public static Path of(Map<String, String> environment, String home) {
    String own = environment.getOrDefault("GRIDSTRIDE_CACHE", "");
    if (!own.isBlank()) {
      return Path.of(own);
    }
    String shared = environment.getOrDefault("XDG_CACHE_HOME", "");
    return shared.isBlank() ? Path.of(home, ".cache", "gridstride") : Path.of(shared, "gridstride");
  }
}
