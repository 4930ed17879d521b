package dev.gridstride.backend.cuda.vendor;

/** The version of a library: {@code 12.6.4}. */
record LibraryVersion(int major, int minor, int patch) {
  @Override
  public String toString() {
    return major + "." + minor + "." + patch;
  }
}
