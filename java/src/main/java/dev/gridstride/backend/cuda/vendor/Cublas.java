package dev.gridstride.backend.cuda.vendor;

/** A handle of cuBLAS, for one context. */
public final class Cublas {
  Cublas() {}

  /** The version of the library, for example {@code 12.6.4}. */
  public String version() {
    return "";
  }
}
