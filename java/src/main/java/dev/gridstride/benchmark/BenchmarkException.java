package dev.gridstride.benchmark;

/** A suite that cannot be read, or results that cannot be compared; the message says why. */
public final class BenchmarkException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With a message for the user. */
  public BenchmarkException(String message) {
    super(message);
  }

  /** With a message for the user, and what lies behind it. */
  public BenchmarkException(String message, Throwable cause) {
    super(message, cause);
  }
}
