package dev.gridstride.backend.cuda.vendor;

/** A handle of cuDNN, for one context. */
public final class Cudnn {
  Cudnn() {}

  /** The version of the library, for example {@code 12.6.4}. */
  public String version() {
    return "";
  }
}
