package dev.gridstride.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option that says where a data set lies. */
final class DataOption {
  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The data set's folder or its parent, looked in first.")
  private Path folder;

  /** Looked in first; null if not given. */
  Path folder() {
    return folder;
  }
}
