package dev.gridstride.backend.cuda.vendor;

/** A handle of cuDNN, for one context. */
public final class Cudnn {
  Cudnn() {}
}
