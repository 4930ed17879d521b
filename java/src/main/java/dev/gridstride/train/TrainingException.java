package dev.gridstride.train;

/** Training cannot begin or go on: data that do not fit, a checkpoint of another run, a NaN. */
public class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error whose message says what was expected and what was got. */
  public TrainingException(String message) {
    super(message);
  }

  /** An error with its cause. */
  public TrainingException(String message, Throwable cause) {
    super(message, cause);
  }
}
