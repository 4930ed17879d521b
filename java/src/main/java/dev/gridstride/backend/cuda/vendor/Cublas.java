package dev.gridstride.backend.cuda.vendor;

/** A handle of cuBLAS, for one context. */
public final class Cublas {
  Cublas() {}
}
