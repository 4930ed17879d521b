package dev.gridstride.train;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file so that a reader, or a crash at any moment, finds the old content or the new one
 * whole: beside it under another name, forced to the disk, then renamed.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /**
   * Replaces the content of {@code file}; missing folders are made. A device or a pipe, such as
   * {@code /dev/stdout}, is written to directly.
   *
   * @throws TrainingException if that fails, naming the file and why; an old file is untouched
   */
  public static void write(Path file, byte[] content) {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        if (Files.isDirectory(file)) {
          throw new TrainingException("cannot write " + file + ": it is a folder");
        }
        Files.write(file, content, StandardOpenOption.WRITE);
        return;
      }
      Path folder = folderOf(file);
      Files.createDirectories(folder);
      Path beside = Files.createTempFile(folder, "." + file.getFileName() + ".", ".tmp");
      try {
        Files.write(beside, content);
        replace(beside, file);
      } finally {
        Files.deleteIfExists(beside);
      }
    } catch (IOException e) {
      throw failure("write", file, e);
    }
  }

  /**
   * Finds out before a long run whether {@link #write} could write here, without leaving a trace
   * but the folders.
   *
   * @throws TrainingException if not, naming the file and why
   */
  public static void check(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw new TrainingException("cannot write " + file + ": it is a folder");
      }
      if (!Files.exists(file) || Files.isRegularFile(file)) {
        Path folder = folderOf(file);
        Files.createDirectories(folder);
        Files.delete(Files.createTempFile(folder, "." + file.getFileName() + ".", ".tmp"));
      }
    } catch (IOException e) {
      throw failure("write", file, e);
    }
  }

  /** Forces {@code written} to the disk and renames it to {@code file}, which it replaces. */
  private static void replace(Path written, Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(written, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(
        written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel folder = FileChannel.open(folderOf(file), StandardOpenOption.READ)) {
      folder.force(true);
    }
  }

  static Path folderOf(Path file) {
    return file.toAbsolutePath().getParent();
  }

  /** The error for a failed access, in words a user understands. */
  static TrainingException failure(String action, Path file, IOException cause) {
    String why = cause.getMessage();
    if (cause instanceof AccessDeniedException) {
      why = "permission denied";
    } else if (cause instanceof NoSuchFileException) {
      why = "no such file";
    } else if (cause instanceof java.nio.file.FileAlreadyExistsException e) {
      why = e.getFile() + " is a file, not a folder";
    } else if (cause instanceof FileSystemException e && e.getReason() != null) {
      why = e.getReason();
    }
    return new TrainingException("cannot " + action + " " + file + ": " + why, cause);
  }
}
