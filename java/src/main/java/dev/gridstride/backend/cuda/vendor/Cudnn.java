package dev.gridstride.backend.cuda.vendor;

import dev.gridstride.backend.cuda.CudaContext;

/** A handle of cuDNN, for one context. */
public final class Cudnn implements AutoCloseable {
  private Cudnn() {}

  /** A handle of the library that is loaded. */
  static Cudnn open(CudaContext context) {
    context.enter("cudnnCreate");
    return new Cudnn();
  }

  /** The library's version, for example {@code 9.5.1}. */
  public String version() {
    return "";
  }

  /** Frees the handle. Never throws. */
  @Override
  public void close() {}
}
