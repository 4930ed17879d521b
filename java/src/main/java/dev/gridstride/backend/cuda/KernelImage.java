package dev.gridstride.backend.cuda;

import dev.gridstride.files.FileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Compiled kernels, and what is known of their parameters: a cubin, PTX or fat binary for a card,
 * or a host image for the simulated device.
 */
public final class KernelImage {
  private final String name;
  private final byte[] bytes;
  private final String log;
  private final KernelDeclarations declarations;

  KernelImage(String name, byte[] bytes, String log, KernelDeclarations declarations) {
    this.name = name;
    this.bytes = bytes;
    this.log = log;
    this.declarations = declarations;
  }

  /**
   * An image compiled elsewhere. Without its source the types of parameters are not known, only
   * their sizes, as far as the driver tells them.
   *
   * @param name for messages
   */
  public static KernelImage of(String name, byte[] bytes) {
    return new KernelImage(name, bytes.clone(), "", KernelDeclarations.unknown());
  }

  /**
   * As {@link #of(String, byte[])}, with the source that it was compiled from, so that launches
   * check the types of their arguments.
   */
  public static KernelImage of(String name, byte[] bytes, KernelSource source) {
    return new KernelImage(name, bytes.clone(), "", KernelDeclarations.parse(source.text()));
  }

  /**
   * Reads a cubin, PTX, fat binary or host image from a file.
   *
   * @throws FileException if it cannot be read
   */
  public static KernelImage read(Path file) {
    try {
      return new KernelImage(
          file.getFileName().toString(),
          Files.readAllBytes(file),
          "",
          KernelDeclarations.unknown());
    } catch (IOException e) {
      throw FileException.reading(file, e);
    }
  }

  /** Its name, for messages. */
  public String name() {
    return name;
  }

  /** A copy of the code. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** What the compiler said: on a card registers, shared memory and spills of each kernel. */
  public String log() {
    return log;
  }

  /** Names of the kernels that its source declares; empty if the source is not known. */
  public List<String> kernelNames() {
    return List.copyOf(declarations.kernels().keySet());
  }

  /** Whether the source declares this kernel, but without {@code extern "C"}. */
  boolean isMangled(String kernel) {
    return declarations.mangled().contains(kernel) && !declarations.kernels().containsKey(kernel);
  }

  /** The code itself. */
  byte[] code() {
    return bytes;
  }

  /** Parameters of a kernel, or null if its declaration is not known. */
  List<KernelParameter> parameters(String kernel) {
    return declarations.kernels().get(kernel);
  }

  @Override
  public String toString() {
    return name + " (" + bytes.length + " bytes)";
  }
}
