package dev.gridstride.data;

/** Hears how far a long task (a download, decoding an image folder) has come. */
@FunctionalInterface
public interface Progress {
  /** Hears nothing. */
  Progress NONE = (what, done, total) -> {};

  /**
   * Called now and then, from one thread at a time.
   *
   * @param what the task, such as {@code download cifar-10-binary.tar.gz}
   * @param done bytes or files done so far
   * @param total of the whole task, or -1 if unknown
   */
  void update(String what, long done, long total);
}
