package dev.gridstride.backend.cuda;

import dev.gridstride.backend.BackendException;

/** A source does not compile. The message holds the compiler's own words. */
public final class CompileException extends BackendException {
  private static final long serialVersionUID = 1L;

  private final String log;

  CompileException(String what, String compiler, String log) {
    super(what + " does not compile (" + compiler + "):\n" + log.strip());
    this.log = log;
  }

  /** The compiler's own words. */
  public String log() {
    return log;
  }
}
