package dev.gridstride.nn;

import dev.gridstride.program.ProgramException;

/** An error that already names the layer in which it arose. */
final class LayerException extends ProgramException {
  private static final long serialVersionUID = 1L;

  LayerException(String path, Layer layer, String problem, RuntimeException cause) {
    super(path + " (" + layer + "): " + problem);
    initCause(cause);
  }
}
