package dev.gridstride.cli;

import dev.gridstride.files.AtomicFiles;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option that asks for the results as a file. */
final class JsonOption {
  @Option(names = "--json", paramLabel = "FILE", description = "Write the results as JSON.")
  private Path file;

  /** Finds out before a long task whether the file can be written. */
  void check() {
    if (file != null) {
      AtomicFiles.check(file);
    }
  }

  /** Where they go; null for nowhere. */
  Path file() {
    return file;
  }
}
