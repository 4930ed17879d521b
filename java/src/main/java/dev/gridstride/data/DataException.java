package dev.gridstride.data;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** Data are missing, damaged or do not fit: the message names the file, the expected, the got. */
public class DataException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error whose message says what was expected, what was got, and the cure if there is one. */
  public DataException(String message) {
    super(message);
  }

  /** The same with what led to it. */
  public DataException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The error for {@code place} (a file, an argument) where something else was expected. */
  static DataException expected(Object place, String expected, Object got) {
    return new DataException(place + ": expected " + expected + ", got " + got);
  }

  /** The error for a failed read or write of {@code place}. */
  static DataException io(String action, Object place, IOException cause) {
    String why =
        cause instanceof NoSuchFileException
            ? "no such file"
            : cause instanceof AccessDeniedException ? "permission denied" : describe(cause);
    return new DataException(place + ": cannot " + action + ": " + why, cause);
  }

  /** The cause's message, or its kind if it has none. */
  static String describe(Throwable cause) {
    String message = cause.getMessage();
    return message == null || message.isBlank() ? cause.getClass().getSimpleName() : message;
  }
}
