package dev.gridstride.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
final class Version implements IVersionProvider {
  /** Gridstride's version from the jar's manifest, or {@code development} for bare classes. */
  static String gridstride() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  /** Version and vendor of the Java that runs. */
  static String java() {
    return System.getProperty("java.version") + " (" + System.getProperty("java.vm.vendor") + ")";
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "gridstride " + gridstride(),
      "Java " + java() + ", " + System.getProperty("os.name") + " " + System.getProperty("os.arch")
    };
  }
}
