package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.BackendException;

/** An implementation does not take a node: another may. */
final class UnsupportedException extends BackendException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  /**
   * A refusal.
   *
   * @param reason why, without op and shapes
   */
  UnsupportedException(String message, String reason) {
    super(message);
    this.reason = reason;
  }

  String reason() {
    return reason;
  }
}
