package dev.gridstride.backend.cuda.vendor;

/**
 * A library that was found and is loaded.
 *
 * @param file where it is; for one that passes its calls on, where they go
 * @param source how it was found
 */
record LoadedLibrary(
    NvidiaLibrary library,
    DynamicLinker.Library handle,
    LibraryVersion version,
    String file,
    String source) {
  /** {@code cuBLAS 12.6.4 (/usr/local/cuda/lib64/libcublas.so.12, ...)}. */
  @Override
  public String toString() {
    return library.title() + " " + version + " (" + file + ", " + source + ")";
  }

  /** For a report: {@code cuBLAS: 12.6.4, on the system's library path (/usr/lib/...)}. */
  String line() {
    return library.title() + ": " + version + ", " + source + " (" + file + ")";
  }
}
