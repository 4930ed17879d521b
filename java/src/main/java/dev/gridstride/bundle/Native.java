package dev.gridstride.bundle;

/**
 * A native library or program in the bundle.
 *
 * @param path where it is; in a jar behind {@code !/}
 * @param elf what it needs
 */
record Native(String path, Elf elf) {
  /** The file's name, by which others need it. */
  String name() {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
