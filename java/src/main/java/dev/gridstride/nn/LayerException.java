package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;

/** An error that already names the layer in which it arose. */
final class LayerException extends ProgramException {
  private static final long serialVersionUID = 1L;

  LayerException(String path, Layer layer, ProgramException cause) {
    super(path + " (" + layer + "): " + cause.getMessage());
    initCause(cause);
  }
}
