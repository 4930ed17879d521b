package dev.gridstride.backend.cuda.program;

import dev.gridstride.backend.cuda.Dim;

/** What the kernels on tensor cores take and how they cut a product into blocks. */
enum TensorCores {
  /** float32 in memory, multiplied as TF32. */
  TF32("tf32", 4),
  /** bfloat16 in memory. */
  BF16("bf16", 2);

  /** The first architecture that can run them, as {@link Emitter#computeCapability()} counts. */
  static final int COMPUTE_CAPABILITY = 80;

  /** Bytes of k that a block takes at a time. */
  private static final int STAGE_BYTES = 64;

  /** Stages of k below which a split no longer pays: the pipeline has to fill first. */
  private static final int LEAST_STAGES = 4;

  private final String suffix;
  private final int bytes;

  TensorCores(String suffix, int bytes) {
    this.suffix = suffix;
    this.bytes = bytes;
  }

  /** The end of an entry point's name. */
  String suffix() {
    return suffix;
  }

  /** Bytes of an element in memory. */
  int bytes() {
    return bytes;
  }

  /** k that a block takes at a time: 16 floats or 32 bfloat16. */
  int stage() {
    return STAGE_BYTES / bytes;
  }

  /**
   * Into how many parts to split {@code k} so that {@code tiles} blocks a part fill the device.
   *
   * @param tiles blocks without a split
   */
  int parts(long tiles, long k, int multiprocessors) {
    long wanted = Dim.ceilDiv(multiprocessors, tiles);
    long most = Dim.ceilDiv(k, stage()) / LEAST_STAGES;
    return (int) Math.max(1, Math.min(wanted, most));
  }

  /** Says why, if the device has no such tensor cores. */
  static void check(Emitter e) {
    if (e.computeCapability() < COMPUTE_CAPABILITY) {
      throw e.unsupported(
          "tf32 and bf16 need compute capability 8.0, the device has "
              + e.computeCapability() / 10
              + "."
              + e.computeCapability() % 10);
    }
  }
}
