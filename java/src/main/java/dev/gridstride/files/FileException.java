package dev.gridstride.files;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file cannot be read or written, or is not what it should be. The message names it and why. */
public class FileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error whose message names the file, what was expected and what was got. */
  public FileException(String message) {
    super(message);
  }

  /** An error with its cause. */
  public FileException(String message, Throwable cause) {
    super(message, cause);
  }

  /** An error of the file system, told in words: {@code cannot read model.json: no such file}. */
  public static FileException reading(Path file, IOException cause) {
    return new FileException("cannot read " + file + ": " + reason(cause), cause);
  }

  /** As {@link #reading} for a file that was to be written. */
  public static FileException writing(Path file, IOException cause) {
    return new FileException("cannot write " + file + ": " + reason(cause), cause);
  }

  private static String reason(IOException cause) {
    if (cause instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (cause instanceof FileAlreadyExistsException existing) {
      return existing.getFile() + " is a file, not a folder";
    }
    if (cause instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (cause instanceof FileSystemException detailed && detailed.getReason() != null) {
      return detailed.getReason();
    }
    return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }
}
