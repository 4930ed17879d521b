package dev.gridstride.program;

/** A program, op or layer was put together wrongly: shapes that do not match, a name used twice. */
public class ProgramException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** An error whose message says what was expected and what was got. */
  public ProgramException(String message) {
    super(message);
  }
}
