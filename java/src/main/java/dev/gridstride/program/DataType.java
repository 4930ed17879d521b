package dev.gridstride.program;

/** Element type of a tensor. */
public enum DataType {
  /** IEEE 754 binary32. */
  FLOAT32(4),
  /** The upper half of a binary32: factors of products on tensor cores; computed in a run only. */
  BFLOAT16(2),
  /** IEEE 754 binary64; used for accumulators only. */
  FLOAT64(8),
  /** Two's complement 32-bit integer; class labels. */
  INT32(4),
  /** Two's complement 64-bit integer; counters. */
  INT64(8),
  /** Unsigned 8-bit integer; image bytes. */
  UINT8(1);

  private final int bytes;

  DataType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }
}
