package dev.gridstride.benchmark;

/**
 * A dimension of a tensor.
 *
 * @param label if its rows are computed apart from each other, a name that it has in every tensor;
 *     else empty
 * @param size how many rows
 */
record Dim(String label, int size) {
  /** Of rows that belong together. */
  static Dim whole(int size) {
    return new Dim("", size);
  }
}
