package dev.gridstride.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file whole or not at all: beside its place under a temporary name, flushed to the disk,
 * then renamed over whatever was there. Readers see the old file or the new one. After an error the
 * old file is untouched and the temporary one is gone.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** Writes the content of a file. */
  @FunctionalInterface
  public interface Content {
    /** Writes everything, from position 0 on. */
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Writes {@code target}. A device or a pipe, such as {@code /dev/stdout}, is written to directly.
   *
   * @throws FileException if the folder is missing or not writable, or the disk is full
   */
  public static void write(Path target, Content content) {
    Path absolute = target.toAbsolutePath();
    if (special(absolute)) {
      writeDirectly(absolute, content);
      return;
    }
    Path temporary =
        absolute.resolveSibling(
            "." + absolute.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    try {
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.WRITE,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(
          temporary, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      flushFolder(absolute.getParent());
    } catch (IOException e) {
      FileException failure = FileException.writing(target, e);
      delete(temporary, failure);
      throw failure;
    } catch (RuntimeException e) {
      delete(temporary, e);
      throw e;
    }
  }

  private static boolean special(Path target) {
    return Files.exists(target) && !Files.isRegularFile(target) && !Files.isDirectory(target);
  }

  private static void writeDirectly(Path target, Content content) {
    try (FileChannel channel = FileChannel.open(target, StandardOpenOption.WRITE)) {
      content.writeTo(channel);
    } catch (IOException e) {
      throw FileException.writing(target, e);
    }
  }

  /**
   * Finds out before a long task whether {@link #write} could write here. Makes missing folders and
   * leaves nothing else behind.
   *
   * @throws FileException if not, naming the file and why
   */
  public static void check(Path target) {
    Path absolute = target.toAbsolutePath();
    if (special(absolute)) {
      return;
    }
    try {
      if (Files.isDirectory(absolute)) {
        throw new FileException("cannot write " + target + ": it is a folder");
      }
      Files.createDirectories(absolute.getParent());
      Files.delete(Files.createTempFile(absolute.getParent(), ".", ".tmp"));
    } catch (IOException e) {
      throw FileException.writing(target, e);
    }
  }

  /** Writes these bytes to {@code target}, as {@link #write(Path, Content)} does. */
  public static void write(Path target, byte[] bytes) {
    write(target, channel -> writeFully(channel, ByteBuffer.wrap(bytes)));
  }

  /** Writes all that remains in {@code buffer}. */
  public static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /** Makes the rename itself survive a power cut, where the file system lets a folder be opened. */
  private static void flushFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void delete(Path temporary, RuntimeException failure) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }
}
