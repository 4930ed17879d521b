package dev.gridstride.backend.cuda;

import dev.gridstride.files.FileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * CUDA C++ to be compiled. It may include {@code gridstride.cuh}, the header of the project's own
 * kernels, and files beside it.
 */
public final class KernelSource {
  private final String name;
  private final String text;
  private final Path file;

  private KernelSource(String name, String text, Path file) {
    this.name = name;
    this.text = text;
    this.file = file;
  }

  /**
   * A source in memory.
   *
   * @param name for messages, for example {@code saxpy.cu}
   */
  public static KernelSource of(String name, String text) {
    return new KernelSource(name, text, null);
  }

  /**
   * Reads a source.
   *
   * @throws FileException if it cannot be read
   */
  public static KernelSource read(Path file) {
    try {
      return new KernelSource(
          file.getFileName().toString(), Files.readString(file), file.toAbsolutePath());
    } catch (IOException e) {
      throw FileException.reading(file, e);
    }
  }

  /** Its name. */
  public String name() {
    return name;
  }

  /** Its text. */
  public String text() {
    return text;
  }

  /** Names of the kernels that it declares, as far as they do not come out of macros. */
  public List<String> kernelNames() {
    return List.copyOf(KernelDeclarations.parse(text).kernels().keySet());
  }

  /** Where it was read from, or null. */
  Path file() {
    return file;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KernelSource source
        && name.equals(source.name)
        && text.equals(source.text)
        && Objects.equals(file, source.file);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, text, file);
  }

  @Override
  public String toString() {
    return name;
  }
}
