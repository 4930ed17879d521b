package dev.gridstride.backend;

/**
 * A device is missing, a native call failed, or memory ran out. The message says what and the cure.
 */
public class BackendException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error without a cause. */
  public BackendException(String message) {
    super(message);
  }

  /** An error with its cause. */
  public BackendException(String message, Throwable cause) {
    super(message, cause);
  }
}
