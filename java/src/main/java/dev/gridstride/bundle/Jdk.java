package dev.gridstride.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * A JDK that a runtime is taken from.
 *
 * @param home its folder
 * @param version such as {@code 17.0.15}
 */
public record Jdk(Path home, String version) {
  private static final int LEAST_VERSION = 17;

  /** The one that runs this. */
  public static Jdk running() {
    return of(Path.of(System.getProperty("java.home")));
  }

  /**
   * The JDK in a folder.
   *
   * @throws BundleException if it has no jlink or is too old
   */
  public static Jdk of(Path home) {
    Path jlink = home.resolve("bin/jlink");
    if (!Files.isExecutable(jlink)) {
      throw new BundleException(
          "bundle needs jlink, which makes the Java runtime, and there is none at "
              + jlink
              + "; install a whole JDK 17 or later (Debian: apt install openjdk-17-jdk-headless),"
              + " or name one with --jdk DIR");
    }
    String version = version(home);
    int major = Integer.parseInt(version.split("[^0-9]")[0]);
    if (major < LEAST_VERSION) {
      throw new BundleException(
          "bundle needs a JDK of version "
              + LEAST_VERSION
              + " or later, "
              + home
              + " is "
              + version);
    }
    return new Jdk(home, version);
  }

  private static String version(Path home) {
    Properties release = new Properties();
    try (var in = Files.newBufferedReader(home.resolve("release"))) {
      release.load(in);
    } catch (IOException e) {
      throw new BundleException(home + " is no JDK: its file release cannot be read: " + e, e);
    }
    return release.getProperty("JAVA_VERSION", "0").replace("\"", "");
  }

  /** Number before the first dot. */
  int major() {
    return Integer.parseInt(version.split("[^0-9]")[0]);
  }
}
