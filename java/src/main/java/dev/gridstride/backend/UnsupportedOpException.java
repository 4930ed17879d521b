package dev.gridstride.backend;

/**
 * No implementation that may be used takes an op as it is, or a device has none in the precision
 * asked for; the message has each one's reason. Other than an error of a device: another device or
 * implementation may take it.
 */
public final class UnsupportedOpException extends BackendException {
  private static final long serialVersionUID = 1L;

  /** With a message for the user. */
  public UnsupportedOpException(String message) {
    super(message);
  }
}
